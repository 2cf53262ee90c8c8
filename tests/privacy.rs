//! What is withheld stands in no file of a run, nor in anything the program prints.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use arrow::array::{Array, ListArray, StringArray, StructArray};

use crate::program::Project;

/// Invented, with right keys where keys prove them.
const SECRETS: [&str; 9] = [
    "4111 1111 1111 1111",
    "184127645108946",
    "FR1420041010050500013M02606",
    "12A34",
    "Rex2019!",
    "diabétique",
    "5500000000000004",
    "9876B",
    "hunter22",
];

fn estate() -> Project {
    let project = Project::new();
    let write = |name: &str, text: &str| {
        fs::create_dir_all(project.path("legacy/sales")).expect("made");
        fs::write(project.path(&format!("legacy/sales/{name}")), text).expect("written");
    };
    write(
        "clients.csv",
        "Code client;Raison sociale;SIRET;Contact;E-mail;Téléphone;Adresse;Code postal;Ville;Dernière commande;IBAN;Segment;Notes\n\
         C001;Garage Durand SARL;73282932000074;Hélène Durand;h.durand@garage.example;01 42 68 53 00;12 rue de la Paix digicode 12A34;75002;Paris;03/05/2023;;PME;CB 4111 1111 1111 1111 exp 12/25, n° sécu 184127645108946\n\
         C002;Boulangerie Petit;;Jean Petit;contact@petit.example;04 72 00 00 01 code portail 9876B;4 place Bellecour;69002;Lyon;14/11/2023;FR7630006000011234567890189;P.M.E.;virement FR1420041010050500013M02606 - mdp : Rex2019! - en liquidation judiciaire du 12/05/2021\n\
         C003;Menuiserie Roux;;Luc Roux;luc@roux.example;05 56 00 00 02;8 cours Victor Hugo;33000;Bordeaux;01/02/2022;;PME-PMI;est diabétique ; ne plus appeler\n\
         C003;Menuiserie Roux;;Luc Roux;luc@roux.example;05 56 00 00 02;8 cours Victor Hugo;33000;Bordeaux;password hunter22;;PME;5500000000000004\n\
         ;test test;;;;;;;;;;;digicode 12A34\n",
    );
    write(
        "activites.csv",
        "Date;Type;Code client;Objet;Commercial\n\
         03/05/2023;Appel;C001;client rappelé, digicode 12A34;Anne\n\
         04/05/2023;Visite;C002;a donné sa CB 4111 1111 1111 1111;Anne\n\
         05/05/2023;Visite;C003;est diabétique;Anne\n",
    );
    project
}

/// Every text of an array, whatever it is within.
fn texts(array: &dyn Array, into: &mut String) {
    if let Some(texts) = array.as_any().downcast_ref::<StringArray>() {
        texts.iter().flatten().for_each(|text| {
            into.push_str(text);
            into.push('\n');
        });
    } else if let Some(list) = array.as_any().downcast_ref::<ListArray>() {
        self::texts(list.values(), into);
    } else if let Some(parts) = array.as_any().downcast_ref::<StructArray>() {
        parts.columns().iter().for_each(|part| self::texts(part, into));
    }
}

/// What a file says to whoever opens it: Parquet decoded, workbooks unpacked.
fn content(path: &Path) -> String {
    let bytes = fs::read(path).expect("readable");
    let mut told = String::from_utf8_lossy(&bytes).into_owned();
    match path.extension().and_then(|e| e.to_str()) {
        Some("parquet") => {
            let batch = orpailleur::store::read_parquet(path).expect("a table");
            batch.columns().iter().for_each(|column| texts(column, &mut told));
            told.push_str(&format!("{:?}", batch.schema()));
        }
        Some("xlsx" | "zip") => {
            let mut archive =
                zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("an archive");
            for at in 0..archive.len() {
                archive.by_index(at).expect("a member").read_to_string(&mut told).expect("text");
            }
        }
        _ => {}
    }
    told
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        match path.is_dir() {
            true => files(&path, found),
            false => found.push(path),
        }
    }
}

/// Where one of `secrets` stands in the project's own files or in what was printed.
fn leaks(project: &Project, printed: &[String], secrets: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    files(&project.folder(), &mut found);
    found.retain(|path| !path.starts_with(project.path("legacy")));
    found.sort();
    let told = found.iter().map(|path| (path.display().to_string(), content(path)));
    let printed = printed.iter().map(|text| ("printed".to_owned(), text.clone()));
    let leak = |(place, text): (String, String)| {
        let unspaced = text.replace([' ', '\u{a0}'], "");
        let stands =
            |secret: &&&str| text.contains(**secret) || unspaced.contains(&secret.replace(' ', ""));
        let secrets: Vec<&&str> = secrets.iter().filter(stands).collect();
        (!secrets.is_empty()).then(|| format!("{place}: {secrets:?}"))
    };
    told.chain(printed).filter_map(leak).collect()
}

fn ran(project: &Project) -> Vec<String> {
    let calls: [&[&str]; 5] = [
        &["init", "legacy"],
        &["check"],
        &["run"],
        &["explain", "sales/clients.csv:2"],
        &["explain", "sales/clients.csv:5"],
    ];
    let said = calls.map(|arguments| project.call(arguments));
    said.into_iter().flat_map(|said| [said.stdout, said.stderr]).collect()
}

#[test]
fn no_withheld_value_stands_in_any_file_or_message() {
    let project = estate();
    let printed = ran(&project);
    assert!(project.path("runs/latest/manifest.json").is_file(), "{printed:?}");
    assert_eq!(leaks(&project, &printed, &SECRETS), Vec::<String>::new());

    let listed = fs::read_to_string(project.path("runs/latest/sensitive.csv")).expect("listed");
    let cells: Vec<&str> =
        listed.lines().skip(1).filter_map(|l| l.split_once("sales/").map(|(_, c)| c)).collect();
    assert_eq!(
        cells,
        [
            "activites.csv,,2,Objet,door_code",
            "activites.csv,,3,Objet,card_number",
            "activites.csv,,4,Objet,health",
            "clients.csv,,2,Adresse,door_code",
            "clients.csv,,2,Notes,social_security",
            "clients.csv,,2,Notes,card_number",
            "clients.csv,,3,Notes,iban",
            "clients.csv,,3,Notes,password",
            "clients.csv,,3,Téléphone,door_code",
            "clients.csv,,4,Notes,health",
            "clients.csv,,5,Dernière commande,password",
            "clients.csv,,5,Notes,card_number",
            "clients.csv,,6,Notes,door_code",
        ]
    );
    // What is beside it stays: the account in its own column, the number before a code, the objection.
    let golden = content(&project.path("runs/latest/golden/organisations.csv"));
    for kept in ["FR7630006000011234567890189", "+33472000001", "in_liquidation", "2021-05-12"] {
        assert!(golden.contains(kept), "{kept}: {golden}");
    }
    let consents = content(&project.path("runs/latest/golden/consents.csv"));
    assert!(consents.contains("phone,,,opt_out"), "{consents}");
}

#[test]
fn what_is_released_is_written_and_the_ids_stay() {
    let project = estate();
    ran(&project);
    let crosswalk = || content(&project.path("runs/latest/crosswalk.csv"));
    let before = crosswalk();
    let settings = project.path("orpailleur.toml");
    let text = fs::read_to_string(&settings).expect("settings");
    let text = text.replace("[project]", "[privacy]\nrelease = [\"door_code\"]\n\n[project]");
    fs::write(&settings, text).expect("written");
    let said = project.call(&["run"]);
    assert!(said.status < 2, "{}", said.stderr);
    assert_eq!(crosswalk(), before);
    let kept: Vec<&str> =
        SECRETS.iter().copied().filter(|s| !matches!(*s, "12A34" | "9876B")).collect();
    assert_eq!(leaks(&project, &[], &kept), Vec::<String>::new());
    assert!(!leaks(&project, &[], &["12A34"]).is_empty());
}
