//! Bad input: it is named, costs nothing else, and the exit status is right.

use std::{fs, path::Path};

use crate::program::{Project, Said, orpailleur, rows};

const GOOD: &str = "Nom;Prénom;E-mail;Téléphone;Code postal;Ville\n\
    Durand;Hélène;h.durand@example.com;01 42 68 53 00;75008;Paris\n\
    DURAND;Helene;h.durand@example.com;0142685300;75008;PARIS\n\
    Petit;Jean;jean.petit@example.org;04 72 00 00 01;69002;Lyon\n";

/// A project with a good source, and `bad` as the file of another one.
fn project_with(bad: &str) -> Project {
    let project = Project::new();
    project.write("legacy/good.csv", GOOD);
    let said = project.call(&["init", "legacy"]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    let mut settings = fs::read_to_string(project.path("orpailleur.toml")).expect("there");
    settings += &format!("\n[[source]]\nname = \"bad\"\nfiles = [\"{bad}\"]\nmapping = \"good\"\n");
    project.write("orpailleur.toml", settings);
    project
}

/// Runs the project, whose good source must have come through, and gives the reject of the bad one.
fn reject_of(project: &Project) -> (Said, String) {
    let said = project.call(&["run"]);
    assert_eq!(said.status, 1, "{}{}", said.stdout, said.stderr);
    let crosswalk = project.result("crosswalk.csv");
    assert_eq!(rows(&crosswalk).iter().filter(|r| r["file"] == "good.csv").count(), 3);
    let rejects = rows(&project.result("rejects.csv"));
    let reject = rejects.iter().find(|r| r["source"] == "bad").expect("the bad source is rejected");
    assert_eq!(reject["severity"], "row");
    let warning = format!("warning: `{}` was not read: {}", reject["file"], reject["message"]);
    assert_eq!(said.stderr.matches("warning: ").count(), 1, "{}", said.stderr);
    assert!(said.stderr.starts_with(&warning), "{}", said.stderr);
    (said, format!("{} row `{}` {}", reject["file"], reject["row"], reject["message"]))
}

fn rejected(name: &str, content: &[u8]) -> String {
    let project = project_with(name);
    project.write(&format!("legacy/{name}"), content);
    let (_, reject) = reject_of(&project);
    let check = project.call(&["check"]);
    assert_eq!(check.status, 3, "check tells what run rejects");
    assert!(
        check.stderr.contains(name) && check.stderr.contains("unless `--strict`"),
        "{}",
        check.stderr
    );
    let strict = project.call(&["run", "--strict"]);
    assert_eq!(strict.status, 2, "--strict stops");
    assert!(strict.stderr.contains(name), "{}", strict.stderr);
    reject
}

#[test]
fn one_person_alone_is_run_again_and_explained() {
    let project = Project::new();
    project.write("legacy/clients.csv", "Nom;Prénom;E-mail\nDurand;Hélène;h.durand@example.com\n");
    assert_eq!(project.call(&["init", "legacy"]).status, 0);
    for _ in 0..2 {
        let said = project.call(&["run"]);
        assert_eq!(said.status, 0, "{}", said.stderr);
    }
    let said = project.call(&["explain", "clients.csv:2"]);
    assert_eq!(said.status, 0, "{}", said.stderr);
}

#[test]
fn a_column_that_may_hold_objections_is_told_where_no_mapping_takes_it() {
    let project = Project::new();
    let clients = "Nom;Prénom;E-mail;Traitement RGPD fiche\nDurand;Hélène;h@nova.fr;oui\nPetit;Jean;j@nova.fr;non\n";
    project.write("legacy/clients.csv", clients);
    assert_eq!(project.call(&["init", "legacy"]).status, 0);
    project.call(&["run"]);
    let rejects = rows(&project.result("rejects.csv"));
    let told: Vec<_> = rejects.iter().map(|r| (r["code"].as_str(), r["column"].as_str())).collect();
    assert_eq!(told, [("possible_objection", "Traitement RGPD fiche")]);
}

#[test]
fn a_missing_file_is_a_reject_and_check_names_it() {
    let project = project_with("gone.csv");
    let (said, reject) = reject_of(&project);
    assert!(reject.starts_with("gone.csv row `` "), "{reject}");
    assert!(
        said.stderr.contains("(hint: look whether it was moved or renamed)"),
        "{}",
        said.stderr
    );
    assert_eq!(project.call(&["run", "--quiet"]).stderr, "");
    let check = project.call(&["check"]);
    assert_eq!(check.status, 3);
    assert!(check.stderr.contains("there is no file") && check.stderr.contains("gone.csv"));
    assert!(check.stderr.contains("orpailleur.toml:"), "{}", check.stderr);
}

#[test]
fn an_empty_file_is_a_reject() {
    let reject = rejected("empty.csv", b"");
    assert!(reject.contains("empty"), "{reject}");
}

#[test]
fn every_file_that_no_source_names_is_told_by_run_and_check() {
    let project = Project::new();
    project.write("legacy/good.csv", GOOD);
    project.write("legacy/README.md", "# Exports\n\nFrom the old system.\n\nThe end.\n");
    project.write("legacy/~$good.xlsx", "lock");
    let said = project.call(&["init", "legacy"]);
    assert!(
        said.stdout.starts_with("3 files = 1 of sources + 2 left out on purpose\n"),
        "{}",
        said.stdout
    );
    let settings = fs::read_to_string(project.path("orpailleur.toml")).expect("there");
    assert!(settings.contains("\"README.md\", # no table\n"), "{settings}");
    assert_eq!(project.call(&["check"]).status, 0);
    let said = project.call(&["run"]);
    assert!(
        said.stdout.starts_with(
            "           3  files\n   =         1  read\n   +         2  left out on purpose\n"
        ),
        "{}",
        said.stdout
    );

    project.write("legacy/later/more.csv", GOOD);
    project.write("legacy/later/broken.xlsx", &b"PK\x03\x04 damaged"[..]);
    let check = project.call(&["check"]);
    assert_eq!(check.status, 3);
    assert!(check.stderr.contains("`later/more.csv`: no source"), "{}", check.stderr);
    let said = project.call(&["run"]);
    assert_eq!(said.status, 1);
    assert!(
        said.stderr.contains("warning: `later/more.csv` was not used: no source"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("warning: `later/broken.xlsx` was not read: "), "{}", said.stderr);
    let told: Vec<(String, String, String)> = rows(&project.result("rejects.csv"))
        .iter()
        .map(|r| (r["file"].clone(), r["code"].clone(), r["severity"].clone()))
        .collect();
    let told: Vec<(&str, &str, &str)> = told.iter().map(|(a, b, c)| (&**a, &**b, &**c)).collect();
    assert_eq!(
        told,
        [("later/broken.xlsx", "unreadable_file", "row"), ("later/more.csv", "no_source", "row")]
    );
    let ignored: Vec<String> = rows(&project.result("skipped.csv"))
        .iter()
        .filter(|r| r["reason"] == "ignored")
        .map(|r| format!("{}{}{}", r["source"], r["row"], r["file"]))
        .collect();
    assert_eq!(ignored, ["README.md", "~$good.xlsx"]);
}

#[test]
fn a_header_only_gives_no_record_and_is_told() {
    let project = project_with("header.csv");
    project.write("legacy/header.csv", "Nom;Prénom;E-mail;Téléphone;Code postal;Ville\n");
    let said = project.call(&["run"]);
    assert_eq!(said.status, 1, "{}", said.stderr);
    assert!(project.result("rejects.csv").contains("no_rows"));
    let skipped = rows(&project.result("skipped.csv"));
    let header = skipped.iter().find(|r| r["file"] == "header.csv").expect("its header is skipped");
    assert_eq!((header["row"].as_str(), header["reason"].as_str()), ("1", "header"));
}

#[test]
fn a_column_misspelt_in_a_mapping_is_told_with_the_nearest() {
    let project = Project::new();
    project.write("legacy/good.csv", GOOD);
    project.write("legacy/quotes.csv", "Numéro;Code client;Date;Montant\nD1;C1;2024-01-02;10,00\n");
    let own = |columns: &str, key: &str| {
        let people = format!(
            "rows = \"person\"\n[[columns]]\nheader = [{columns}]\nattribute = \"email\"\n"
        );
        project.write("mappings/people.toml", people);
        let rule =
            format!("key = [\"{key}\"]\nkey_attribute = \"customer_code\"\ndate = [\"Date\"]");
        let quotes = format!("rows = \"history\"\n[history]\nkind = \"quote\"\n{rule}\n");
        project.write("mappings/quotes.toml", quotes);
    };
    let source = |name: &str, file: &str| {
        format!("[[source]]\nname = \"{name}\"\nfiles = [\"{file}\"]\nmapping = \"{name}\"\n")
    };
    let sources = source("people", "good.csv") + &source("quotes", "quotes.csv");
    project.write("orpailleur.toml", format!("[project]\nas_of = \"2024-12-31\"\n{sources}"));

    own("\"Mail\", \"E-mail\"", "Code client");
    let check = project.call(&["check"]);
    assert_eq!(check.status, 0, "one synonym is enough: {}", check.stderr);

    own("\"E-mails\"", "Code clients");
    let check = project.call(&["check"]);
    assert_eq!(check.status, 3, "{}", check.stdout);
    for told in ["people.toml:3", "`E-mail`", "quotes.toml:4", "`Code client`", "good.csv"] {
        assert!(check.stderr.contains(told), "{told}: {}", check.stderr);
    }
    project.call(&["run"]);
    let rejects = rows(&project.result("rejects.csv"));
    let missing = rejects.iter().filter(|r| r["code"] == "missing_column");
    let columns: Vec<&str> = missing.map(|r| r["column"].as_str()).collect();
    assert_eq!(columns, ["E-mails", "Code clients"]);
}

#[test]
fn a_sheet_that_is_not_there_says_nothing_of_the_others() {
    let project = Project::new();
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name("Particuliers").expect("a name");
    for (row, line) in GOOD.lines().enumerate() {
        for (column, cell) in line.split(';').enumerate() {
            sheet.write(row as u32, column as u16, cell).expect("it fits");
        }
    }
    project.write("legacy/whole.xlsx", workbook.save_to_buffer().expect("written"));
    project.call(&["init", "legacy"]);
    let settings = fs::read_to_string(project.path("orpailleur.toml")).expect("there");
    let files = "files = [\"whole.xlsx\"]";
    let settings = settings.replace(files, &format!("{files}\nsheets = [\"Particulier\"]"));
    project.write("orpailleur.toml", settings);
    project.call(&["run"]);
    let rejects = rows(&project.result("rejects.csv"));
    let codes: Vec<&str> = rejects.iter().map(|r| r["code"].as_str()).collect();
    assert_eq!(codes, ["no_source", "missing_sheet"]);
}

#[test]
fn a_binary_file_called_csv_is_a_reject() {
    let bytes: Vec<u8> = (0..4096u32).map(|i| (i * 7919 % 256) as u8).collect();
    let reject = rejected("image.csv", &bytes);
    assert!(reject.contains("image.csv"), "{reject}");
}

#[test]
fn a_truncated_workbook_is_a_reject() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("whole.xlsx");
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, line) in GOOD.lines().enumerate() {
        for (column, cell) in line.split(';').enumerate() {
            sheet.write(row as u32, column as u16, cell).expect("it fits");
        }
    }
    workbook.save(&path).expect("written");
    let bytes = fs::read(&path).expect("there");
    let reject = rejected("cut.xlsx", &bytes[..bytes.len() / 2]);
    assert!(reject.starts_with("cut.xlsx row `` "), "{reject}");
}

#[test]
fn a_workbook_with_a_password_is_a_reject_that_says_so() {
    let reject = rejected("secret.xlsx", &encrypted_workbook());
    assert!(reject.contains("password"), "{reject}");
}

/// A compound file with the two streams of an encrypted workbook: [MS-OFFCRYPTO] 1.3.2, [MS-CFB].
fn encrypted_workbook() -> Vec<u8> {
    const SECTOR: usize = 512;
    const END: u32 = 0xFFFF_FFFE;
    const FREE: u32 = 0xFFFF_FFFF;
    let mut header = vec![0u8; SECTOR];
    header[..8].copy_from_slice(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]);
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(24, &0x3Eu16.to_le_bytes());
    put(26, &3u16.to_le_bytes());
    put(28, &0xFFFEu16.to_le_bytes());
    put(30, &9u16.to_le_bytes());
    put(32, &6u16.to_le_bytes());
    put(44, &1u32.to_le_bytes()); // one sector of the allocation table
    put(48, &1u32.to_le_bytes()); // the directory is sector 1
    put(56, &4096u32.to_le_bytes());
    put(60, &END.to_le_bytes());
    put(68, &END.to_le_bytes());
    put(76, &0u32.to_le_bytes()); // the allocation table is sector 0
    for at in 1..109 {
        put(76 + 4 * at, &FREE.to_le_bytes());
    }
    // Sectors: 0 the table, 1 the directory, 2..10 and 10..18 a stream of 4096 bytes each.
    let mut table = vec![0xFFFF_FFFD, END];
    for start in [2u32, 10] {
        table.extend((start + 1)..(start + 8));
        table.push(END);
    }
    table.resize(SECTOR / 4, FREE);
    let mut file = header;
    file.extend(table.iter().flat_map(|entry| entry.to_le_bytes()));
    file.extend(entry("Root Entry", 5, END, 0));
    file.extend(entry("EncryptionInfo", 2, 2, 4096));
    file.extend(entry("EncryptedPackage", 2, 10, 4096));
    file.extend(entry("", 0, 0, 0));
    file.resize(file.len() + 16 * SECTOR, 0x5A);
    file
}

fn entry(name: &str, kind: u8, start: u32, size: u64) -> Vec<u8> {
    const NONE: u32 = 0xFFFF_FFFF;
    let mut entry = vec![0u8; 128];
    let utf16: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    entry[..utf16.len()].copy_from_slice(&utf16);
    let length = if name.is_empty() { 0 } else { utf16.len() as u16 + 2 };
    entry[64..66].copy_from_slice(&length.to_le_bytes());
    entry[66] = kind;
    entry[67] = 1;
    // The root's child is the package, whose left neighbour is the other stream.
    let (left, child) = match name {
        "Root Entry" => (NONE, 2),
        "EncryptedPackage" => (1, NONE),
        _ => (NONE, NONE),
    };
    entry[68..72].copy_from_slice(&left.to_le_bytes());
    entry[72..76].copy_from_slice(&NONE.to_le_bytes());
    entry[76..80].copy_from_slice(&child.to_le_bytes());
    entry[116..120].copy_from_slice(&start.to_le_bytes());
    entry[120..128].copy_from_slice(&size.to_le_bytes());
    entry
}

#[test]
fn a_ragged_line_of_an_accounting_file_is_a_reject_with_its_line() {
    let head = "JournalCode\tJournalLib\tEcritureNum\tEcritureDate\tCompteNum\tCompteLib\tCompAuxNum\t\
        CompAuxLib\tPieceRef\tPieceDate\tEcritureLib\tDebit\tCredit\tEcritureLet\tDateLet\tValidDate\t\
        Montantdevise\tIdevise\n";
    let line = |number: u32, account: &str, auxiliary: &str, debit: &str, credit: &str| {
        format!(
            "VE\tVentes\t{number}\t20240115\t{account}\tx\t{auxiliary}\tF1\t20240115\tFacture\t{debit}\t\
             {credit}\t\t\t20240115\t\t\n"
        )
    };
    let mut text = head.to_owned();
    text += &line(1, "41100000", "C0001\tGARAGE DURAND SARL", "120,00", "0,00");
    text += &line(1, "70700000", "\t", "0,00", "120,00");
    text += "VE\tVentes\t2\t20240116\t41100000\n";
    text += &line(3, "41100000", "C0002\tPETIT JEAN", "60,00", "0,00");
    text += &line(3, "70700000", "\t", "0,00", "60,00");
    let project = Project::new();
    project.write("legacy/512345675FEC20241231.txt", text);
    let init = project.call(&["init", "legacy"]);
    assert_eq!(init.status, 0, "{}", init.stderr);
    let said = project.call(&["run"]);
    assert_eq!(said.status, 1, "{}", said.stderr);
    let rejects = rows(&project.result("rejects.csv"));
    let ragged = rejects.iter().find(|r| r["row"] == "4").expect("line 4 is rejected");
    assert_eq!(ragged["severity"], "row");
    assert_eq!(ragged["file"], "512345675FEC20241231.txt");
    let crosswalk = rows(&project.result("crosswalk.csv"));
    assert_eq!(crosswalk.len(), 2, "the other customers are there: {crosswalk:?}");
}

#[test]
fn a_mapping_that_names_a_column_that_is_not_there_is_told() {
    let project = project_with("other.csv");
    project.write("legacy/other.csv", GOOD);
    let settings = fs::read_to_string(project.path("orpailleur.toml")).expect("there");
    project.write("orpailleur.toml", settings + "[source.columns]\nPortable = \"mobile\"\n");
    let check = project.call(&["check"]);
    assert_eq!(check.status, 3, "{}", check.stderr);
    assert!(check.stderr.contains("other.csv`: there is no column `Portable`"), "{}", check.stderr);
    let said = project.call(&["run"]);
    assert_eq!(said.status, 1, "{}", said.stderr);
    let rejects = rows(&project.result("rejects.csv"));
    let reject = rejects.iter().find(|r| r["column"] == "Portable").expect("it is told");
    assert_eq!(reject["file"], "other.csv");
    assert!(reject["message"].contains("Portable"), "{}", reject["message"]);
}

#[test]
#[cfg(unix)]
fn an_output_folder_that_cannot_be_written_is_named() {
    let project = project_with("good.csv");
    let settings = fs::read_to_string(project.path("orpailleur.toml")).expect("there");
    let own = settings.split("\n[[source]]\nname = \"bad\"").next().expect("before it").to_owned();
    // A file stands where the folder should: even root cannot write into it.
    project.write("orpailleur.toml", own).write("runs", "");
    let said = project.call(&["run"]);
    assert_eq!(said.status, 2);
    assert!(said.stderr.starts_with("error: could not create `"), "{}", said.stderr);
    assert!(said.stderr.contains("runs"), "{}", said.stderr);
}

#[test]
fn dedupe_of_a_file_that_cannot_be_read_stops() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let said = orpailleur(folder.path(), &["dedupe", "gone.csv"]);
    assert_eq!(said.status, 2, "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("gone.csv"), "{}", said.stderr);
    assert!(!Path::new(&folder.path().join("gone-deduped")).exists());
}

#[test]
fn an_option_that_makes_no_sense_is_blamed_by_its_own_name() {
    let project = Project::new();
    project.write("legacy/good.csv", GOOD);
    assert_eq!(project.call(&["init", "legacy"]).status, 0);
    for (option, value, wrong) in [
        ("--as-of", "31/12/2024", "--as-of: `31/12/2024` is no date"),
        ("--target", "sales", "--target: there is no target `sales`"),
        ("--precision", "2", "--precision: `2` is not between 0.5 and 1"),
    ] {
        let said = project.call(&["run", option, value]);
        assert_eq!(said.status, 2);
        assert!(
            said.stderr.starts_with(&format!("error: one problem:\n  {wrong}\n")),
            "{}",
            said.stderr
        );
        assert!(!said.stderr.contains("orpailleur.toml"), "{}", said.stderr);
    }
}

#[test]
fn without_a_report_the_last_line_is_the_folder_of_the_run() {
    let project = Project::new();
    project.write("legacy/good.csv", GOOD);
    assert_eq!(project.call(&["init", "legacy"]).status, 0);
    let said = project.call(&["run", "--until", "cluster"]);
    assert!(said.status < 2, "{}", said.stderr);
    let last = said.stdout.lines().last().expect("a line");
    assert!(project.path(last).join("manifest.json").is_file(), "no run at {last}");
    let said = project.call(&["run", "--until", "cluster", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert!(json["report"].is_null(), "{json}");
    assert!(project.path(json["folder"].as_str().expect("a folder")).is_dir());
}

/// Files that nobody exports, and that lie among exports all the same: each is one reject.
#[test]
fn files_of_odd_names_and_shapes_are_one_reject_each() {
    let project = Project::new();
    project.write("legacy/good.csv", GOOD);
    project.write("legacy/filled.csv", [GOOD.as_bytes(), &[0; 9000]].concat());
    project.write("legacy/torn.csv", [GOOD.as_bytes(), &[0; 9000], GOOD.as_bytes()].concat());
    project.write("legacy/zeros.csv", [0; 9000]);
    project.write("legacy/wide.csv", "Nom;".repeat(100_000));
    project.write("legacy/wide.json", wide_json());
    project.write("legacy/no-files.zip", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let mut rejected = vec!["no-files.zip", "torn.csv", "wide.json", "zeros.csv"];
    if cfg!(unix) {
        project.write("legacy/two\nlines.csv", GOOD);
        project.write("legacy/back\\slash.csv", GOOD);
        rejected.extend(["two\nlines.csv", "back\\slash.csv"]);
    }
    rejected.sort_unstable();
    let said = project.call(&["init", "legacy"]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert_eq!(said.stdout.matches("cannot be read, ").count(), rejected.len(), "{}", said.stdout);
    let said = project.call(&["run"]);
    assert_eq!(said.status, 1, "{}{}", said.stdout, said.stderr);
    let told = rows(&project.result("rejects.csv"));
    let told: Vec<&str> = told.iter().map(|r| r["file"].as_str()).collect();
    assert_eq!(told, rejected);
    let crosswalk = rows(&project.result("crosswalk.csv"));
    for file in ["good.csv", "filled.csv"] {
        assert_eq!(crosswalk.iter().filter(|r| r["file"] == file).count(), 3, "{file}");
    }
}

/// One object, each customer under a name of its own.
fn wide_json() -> String {
    let members: Vec<String> = (0..20_000).map(|n| format!("\"c{n}\":\"x\"")).collect();
    format!("[{{{}}}]", members.join(","))
}

#[test]
fn unknown_keys_are_all_told_with_the_nearest_known_one() {
    let project = project_with("good2.csv");
    let settings = fs::read_to_string(project.path("orpailleur.toml")).expect("there");
    project.write(
        "orpailleur.toml",
        settings.replace("mapping =", "maping =").replace("as_of", "asof"),
    );
    let said = project.call(&["run"]);
    assert_eq!(said.status, 2);
    for expected in ["unknown key `asof`", "`as_of`", "unknown key `maping`", "`mapping`"] {
        assert!(said.stderr.contains(expected), "{expected}: {}", said.stderr);
    }
}
