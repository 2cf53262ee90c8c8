use super::*;

const MESSY: &str = "Code;Nom;Tel;Email;Naissance;CA\n\
    C1;Dupont;01 42 68 53 00;a.dupont@dupont-vins.fr;12/05/1980;1 200,50\n\
    C2;HÃ©rÃ\u{a9} ?;b.roy@dupont-vins.fr;b.roy@dupont-vins.fr;31/02/1980;10\n\
    C3;N/A;0612345678;c@dupont-vins;01/01/2150;-3\n\
    C2;Martin;06 12 34 56 78;d.martin@dupont-vins.fr;;8,38E+13\n";

fn profiled(files: &[(&str, &str)]) -> (tempfile::TempDir, Profile) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    let asked = [(folder.path().to_owned(), "exports".to_owned())];
    let subjects = subjects(&asked, &Overrides::default()).expect("files");
    let profile = run(&subjects, &Progress::hidden()).expect("a profile");
    (folder, profile)
}

fn column<'p>(profile: &'p Profile, name: &str) -> &'p ColumnProfile {
    let mut columns = profile.tables.iter().flat_map(|table| &table.columns);
    columns.find(|column| column.column == name).expect("a column of that name")
}

/// `code@cell, ...` of a column.
fn suspicious(profile: &Profile, name: &str) -> String {
    let told = column(profile, name).suspicious.iter().flat_map(|found| {
        found.examples.iter().map(move |example| format!("{}@{}", found.code, example.cell))
    });
    told.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_column_says_what_it_holds_and_where_it_is_odd() {
    let (_folder, profile) = profiled(&[("clients.csv", MESSY)]);
    let told = |name| (column(&profile, name).attribute.as_str(), suspicious(&profile, name));
    assert_eq!(told("Tel"), ("phone", "wrong_column@clients.csv:3".into()));
    assert_eq!(told("Email"), ("email", "bad_email@clients.csv:4".into()));
    let birth = column(&profile, "Naissance");
    assert_eq!(birth.kind, "date");
    assert_eq!(
        suspicious(&profile, "Naissance"),
        "bad_date@clients.csv:3, implausible_date@clients.csv:4"
    );
    let least = birth.least.as_ref().expect("a date");
    assert_eq!((least.value.as_str(), least.cell.as_str()), ("1980-05-12", "clients.csv:2"));
}

#[test]
fn every_filled_cell_is_valid_a_placeholder_or_invalid() {
    let (_folder, profile) = profiled(&[("clients.csv", MESSY)]);
    for column in &profile.tables[0].columns {
        let sum = column.valid + column.placeholders + column.invalid;
        assert_eq!(sum, column.filled, "{}", column.column);
        assert!(column.filled <= profile.tables[0].rows);
    }
}

#[test]
fn a_key_that_comes_again_is_told_with_both_places() {
    let rows: String = (0..30).map(|n| format!("C{n};Nom {n}\n")).collect();
    let text = format!("Code client;Nom\n{rows}c7;Autre\n");
    let (_folder, profile) = profiled(&[("clients.csv", &text)]);
    let code = column(&profile, "Code client");
    assert!(code.is_key);
    let found = &code.suspicious[0];
    assert_eq!((found.code, found.count), ("duplicate_key", 1));
    assert_eq!(found.examples[0].cell, "clients.csv:32");
    assert_eq!(found.examples[0].first.as_deref(), Some("clients.csv:9"));
}

#[test]
fn a_code_that_refers_to_another_table_is_no_key() {
    let rows: String = (0..90).map(|n| format!("C{};Contact {n}\n", n % 9)).collect();
    let text = format!("Code client;Nom\n{rows}");
    let (_folder, profile) = profiled(&[("contacts.csv", &text)]);
    assert!(!column(&profile, "Code client").is_key);
}

#[test]
fn copies_of_rows_and_rows_without_data_are_counted() {
    let text = "Nom;Ville\nDupont;Paris\n;\nRoy;Lyon\nDupont;Paris\n";
    let (_folder, profile) = profiled(&[("a.csv", text)]);
    let table = &profile.tables[0];
    assert_eq!((table.rows, table.repeated_rows), (3, 1));
    assert_eq!(table.skipped.values().sum::<u64>(), 2);
}

#[test]
fn the_order_of_rows_changes_nothing_but_places() {
    let rows: Vec<String> =
        (0..3000).map(|n| format!("{n};Nom {};a{}@dupont-vins.fr\n", n % 700, n % 13)).collect();
    let text = |rows: &mut dyn Iterator<Item = &String>| {
        format!("Id;Nom;Email\n{}", rows.map(String::as_str).collect::<String>())
    };
    let forwards = profiled(&[("a.csv", &text(&mut rows.iter()))]).1;
    let backwards = profiled(&[("a.csv", &text(&mut rows.iter().rev()))]).1;
    for (one, other) in forwards.tables[0].columns.iter().zip(&backwards.tables[0].columns) {
        assert_eq!(one.top_values, other.top_values);
        assert_eq!(one.patterns, other.patterns);
        assert_eq!(one.distinct, other.distinct);
        assert_eq!((one.valid, &one.attribute), (other.valid, &other.attribute));
    }
}

#[test]
fn a_file_that_cannot_be_read_costs_nothing_else() {
    let (_folder, profile) = profiled(&[("a.csv", MESSY), ("b.pdf", "%PDF-1.4")]);
    assert_eq!((profile.tables.len(), profile.unreadable.len()), (1, 1));
    assert!(profile.remains());
    let alone = Subject {
        path: "nowhere.csv".into(),
        name: "nowhere.csv".into(),
        sheets: Vec::new(),
        mapping: None,
        country: "FR".into(),
        as_of: String::new(),
    };
    assert!(run(&[alone], &Progress::hidden()).is_err());
}

#[test]
fn what_is_sensitive_is_told_by_its_cell_and_never_shown() {
    let notes = "Nom;Commentaires\nDupont;livrer au fond, digicode 12A34\nRoy;rappeler le lundi\n\
        Petit;rappeler le mardi matin après la tournée des magasins\n";
    let (folder, profile) = profiled(&[("a.csv", notes)]);
    assert_eq!(suspicious(&profile, "Commentaires"), "door_code@a.csv:2");
    let page = profile.write_page("a", Lang::En, folder.path()).expect("written");
    let page = std::fs::read_to_string(page).expect("a page");
    let json = serde_json::to_string(&profile).expect("JSON");
    for output in [page, json, profile.to_text(Lang::En)] {
        assert!(!output.contains("12A34"));
    }
}

#[test]
fn text_is_no_table_and_a_list_of_addresses_is_one() {
    let prose = "Dear all\nthis is a note, about nothing\nwith lines\n";
    let list = "Email\na@dupont-vins.fr\nb@dupont-vins.fr\n";
    let (_folder, profile) = profiled(&[("list.csv", list), ("note.txt", prose)]);
    assert_eq!(profile.no_tables, ["note.txt"]);
    assert_eq!(column(&profile, "Email").valid, 2);
}

#[test]
fn the_text_fits_a_terminal_of_100_columns() {
    let wide =
        format!("{};Nom\n{};x\n", "Une colonne au nom très long ".repeat(9), "mot ".repeat(99));
    let (_folder, profile) = profiled(&[("clients.csv", MESSY), ("wide.csv", &wide)]);
    for lang in [Lang::En, Lang::Fr] {
        let text = profile.to_text(lang);
        assert!(text.contains("Tel"));
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= 100, "{widest}\n{text}");
        assert!(!text.contains("[profile."), "{text}");
    }
}

#[test]
fn the_page_is_whole_closed_in_itself_and_private() {
    let hostile = "Nom;Note\n<script>alert(1)</script>;\"=cmd()\"\nDupont;\u{1b}[31m\n";
    let (folder, profile) = profiled(&[("clients.csv", MESSY), ("hostile.csv", hostile)]);
    for lang in [Lang::En, Lang::Fr] {
        let path =
            profile.write_page("exports", lang, &folder.path().join("out")).expect("written");
        let page = std::fs::read_to_string(&path).expect("a page");
        assert!(page.trim_end().ends_with("</html>"));
        for outside in ["<script", "http:", "https:", "src=", "@import", "url(", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
        for missing in ["[profile.", "[noun.", "[page."] {
            assert!(!page.contains(missing), "{missing} in {lang:?}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
    let named = folder.path().join("page.html");
    assert_eq!(profile.write_page("exports", Lang::En, &named).expect("written"), named);
    assert!(!profile.to_text(Lang::En).contains('\u{1b}'), "a terminal would obey it");
}

#[test]
fn cells_of_a_sheet_are_named_as_spreadsheets_do() {
    let place = Place { file: "a.xlsx", sheet: "Clients", is_sheet: true, first_column: 0 };
    assert_eq!(place.cell(3, 17), "Clients!D17");
    let place = Place { file: "a.xlsx", sheet: "Mes clients", is_sheet: true, first_column: 0 };
    assert_eq!(
        (place.cell(0, 2), place.row(2)),
        ("'Mes clients'!A2".into(), "'Mes clients'!2:2".into())
    );
    let place = Place { file: "a.zip!/b.csv", sheet: "", is_sheet: false, first_column: 0 };
    assert_eq!(place.cell(3, 17), "a.zip!/b.csv:17");
}
