//! Whole files: refusals, the samples, and a generated estate against its truth, where they are there.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::*;

/// The rows of a table as `row: header=cell, header=cell`, blank cells left out, or as what they are instead.
pub(super) fn told_rows(table: Table) -> Vec<String> {
    let Table { header, rows, .. } = table;
    let told = |row: Row| match row.content {
        Content::Data(cells) => {
            let filled = header.iter().zip(&cells).filter(|(_, cell)| !cell.is_empty());
            let filled: Vec<String> = filled.map(|(name, cell)| format!("{name}={cell}")).collect();
            format!("{}: {}", row.number, filled.join(", "))
        }
        Content::Skipped(reason) => format!("{}: {reason}", row.number),
        Content::Bad { code, .. } => format!("{}: bad {code}", row.number),
    };
    rows.map(told).collect()
}

fn message_of(name: &str, bytes: &[u8]) -> String {
    match tables(Path::new(name), bytes.to_vec().into(), "") {
        Ok(tables) => format!("{} tables", tables.len()),
        Err(error) => {
            assert!(error.hint().is_some(), "{error} has no hint");
            error.to_string()
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_a_reason() {
    let cases: &[(&[u8], &str)] = &[
        (b"", "it is empty"),
        (b" \r\n\n", "it is empty"),
        (b"\x7FELF\x02\x01", "it is a program, not a table"),
        (b"MZ\x90\0\x03\0\0\0\x04", "it is a program, not a table"),
        (b"PAR1\x15\x04\x15\x10", "it is a Parquet file, not a table"),
        (b"%PDF-1.4", "it is a PDF document, not a table"),
        (&[7, 1, 2, 200, 0, 3, 4, 250, 0, 0, 9, 1], "it is a binary file, not a table"),
        (b"PK\x03\x04\x14\0\x06\0\x08", "it is damaged or cut short: its table of contents"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0", "it is damaged or cut short"),
        (b"\x1F\x8B\x08", "it is an archive"),
        (b"\x09\x00\x04\x00\x02\x00\x10\x00", "it is a workbook of Excel 4 or older"),
        (b"<html><p>a", "it is an HTML page without a table"),
        (b"MIME-Version: 1.0\nContent-Type: multipart/related", "saved as a web archive (MHT)"),
        // `Kundennr,Name,Ort` and two rows, as a mainframe writes them.
        (
            b"\xD2\xA4\x95\x84\x85\x95\x95\x99\x6B\xD5\x81\x94\x85\x6B\xD6\x99\xA3\x15\
              \xF1\xF0\xF1\x6B\xD4\xA4\x85\x93\x93\x85\x99\x6B\xC2\x85\x99\x93\x89\x95\x15\
              \xF1\xF0\xF2\x6B\xE6\x85\x82\x85\x99\x40\xD2\xC7\x6B\xD2\x96\x85\x93\x95\x15",
            "it is written in EBCDIC",
        ),
        (b"ID;PWXL;N;E", "it holds no cell"),
    ];
    for (bytes, reason) in cases {
        let message = message_of("export.csv", bytes);
        assert!(message.starts_with("`export.csv` cannot be used: "), "{message}");
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn a_missing_file_and_a_folder_are_named() {
    let missing = open(Path::new("/no/such/file.csv")).err().expect("it is not there");
    assert_eq!(missing.to_string(), "could not read `/no/such/file.csv`");
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert!(open(folder.path()).err().expect("no file").to_string().contains("it is a folder"));
}

#[test]
fn a_header_alone_is_a_table_without_rows() {
    let tables = tables(Path::new("a.csv"), b"Nom;Ville\n".to_vec().into(), "").expect("a table");
    assert_eq!(tables[0].header, ["Nom", "Ville"]);
    assert_eq!(tables[0].format.remarks, ["there are no rows below the header"]);
}

#[test]
fn any_bytes_are_read_or_refused() {
    let samples: &[&[u8]] = &[
        b"BEGIN:VCARD",
        b"[{",
        b"{\"a\"",
        b"\xFF\xFE",
        b"\xFF\xFEa",
        b"sep=",
        b"sep=;",
        b"\"",
        b"PK\x05\x06",
        b"=\"",
        b"\r",
        b"a\tb\x1A",
        b"BEGIN:VCARD\nEND:VCARD\nEND:VCARD\nx",
        b"[]",
        b"{}",
        b"[{},{}]",
    ];
    for bytes in samples {
        if let Ok(tables) = tables(Path::new("x"), bytes.to_vec().into(), "") {
            tables.into_iter().for_each(|table| table.rows.for_each(drop));
        }
    }
}

/// A workbook of one sheet: a title, a blank row, a header, `rows` customers with a postcode format.
fn workbook(rows: u32) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let five_digits = rust_xlsxwriter::Format::new().set_num_format("00000");
    let sheet = book.add_worksheet();
    sheet.write_string(0, 0, "Fichier clients").expect("written");
    sheet.write_string(2, 0, "Nom").expect("written");
    sheet.write_string(2, 1, "CP").expect("written");
    for row in 0..rows {
        sheet.write_string(3 + row, 0, format!("Client {row}")).expect("written");
        sheet
            .write_number_with_format(3 + row, 1, 1000.0 + f64::from(row), &five_digits)
            .expect("written");
    }
    book.save_to_buffer().expect("a workbook")
}

#[test]
fn a_long_sheet_is_streamed_and_a_short_one_held_with_the_same_result() {
    for rows in [20, 10_050] {
        let mut tables = tables(Path::new("a.xlsx"), workbook(rows).into(), "").expect("tables");
        let table = tables.pop().expect("a table");
        assert_eq!((table.header_row, table.header), (3, vec!["Nom".to_owned(), "CP".to_owned()]));
        let read: Vec<Row> = table.rows.collect();
        assert_eq!(read.len() as u32, rows + 3);
        assert!(read.iter().enumerate().all(|(at, row)| row.number as usize == at + 1));
        let Content::Data(last) = &read[rows as usize + 2].content else { panic!("no data") };
        assert_eq!(last.get(0), Some(format!("Client {}", rows - 1).as_str()));
        assert_eq!(last.get(1), Some(format!("{:05}", 1000 + rows - 1).as_str()));
    }
}

#[test]
fn a_table_may_start_with_the_letters_of_another_kind_of_file() {
    for header in ["PAR1;PAR2;NOM", "MZ_CODE;CP;NOM", "BZh;GIF8;NOM", "GIF8;b;NOM"] {
        let text = format!("{header}\n1;2;Dupont\n3;4;Roy\n");
        let read = tables(Path::new("a.csv"), text.into_bytes().into(), "").expect(header);
        assert_eq!(read[0].header.join(";"), header);
    }
}

#[test]
fn a_workbook_that_unpacks_to_far_more_than_its_size_is_refused() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, length) in [("xl/workbook.xml", 10), ("xl/sharedStrings.xml", 40 << 20)] {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(name, options).expect("a name");
        std::io::Write::write_all(&mut writer, &vec![b' '; length]).expect("memory");
    }
    let message = message_of("a.xlsx", &writer.finish().expect("memory").into_inner());
    assert!(
        message.contains("it unpacks to 40 MiB, more than a workbook of its size"),
        "{message}"
    );
}

#[test]
fn a_workbook_cut_short_is_refused() {
    let whole = workbook(5);
    let message = message_of("a.xlsx", &whole[..whole.len() / 2]);
    assert!(message.contains("it is damaged or cut short"), "{message}");
}

/// The folder of samples, in the places where it may stand beside the project.
fn samples() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["../shared/samples", "../../shared/samples"]
        .iter()
        .map(|place| root.join(place))
        .find(|place| place.is_dir())
}

/// `sheet(hidden) header-row: counts`, one per table, or the refusal.
fn summary(path: &Path) -> String {
    let tables = match open(path) {
        Ok(tables) => tables,
        Err(Error::Format { message, .. }) => return message,
        Err(error) => return error.to_string(),
    };
    let lines = tables.into_iter().map(|table| {
        let hidden = if table.hidden { " hidden" } else { "" };
        let start = format!("{}{hidden} {}:", table.sheet, table.header_row);
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for row in table.rows {
            let kind = match row.content {
                Content::Data(_) => "data",
                Content::Skipped(reason) => reason,
                Content::Bad { code, .. } => code,
            };
            *counts.entry(kind).or_default() += 1;
        }
        let counts = counts.iter().map(|(kind, count)| format!(" {kind} {count}"));
        format!("{start}{}", counts.collect::<String>())
    });
    lines.collect::<Vec<_>>().join("; ").trim().to_owned()
}

#[test]
fn the_samples_are_read_as_expected() {
    let Some(samples) = samples() else {
        eprintln!("skipped: there are no samples beside the project");
        return;
    };
    let expected = [
        ("csv-dialects/fr-cp850.csv", "1: data 2 header 1"),
        ("csv-dialects/fr-ragged-stray-quotes.csv", "1: blank 2 data 5 header 1 total 1"),
        ("csv-dialects/fr-sep-line-utf8bom.csv", "2: data 2 header 1 structure 1"),
        ("csv-dialects/fr-unicode-text-utf16le.txt", "1: data 2 header 1"),
        ("csv-dialects/csv-spectrum__newlines_crlf.csv", "1: data 3 header 1"),
        ("csv-dialects/csv-spectrum__newlines_crlf.json", "0: data 3 structure 2"),
        ("csv-dialects/phpspreadsheet__linend.mac.csv", "0: data 2"),
        ("csv-dialects/phpspreadsheet__line_break_escaped_32le.csv", "1: data 4 header 1"),
        ("csv-dialects/phpspreadsheet__utf16be.line_break_in_enclosure.csv", "1: data 5 header 1"),
        ("fec/123456789FEC20241231.txt", "1: data 11 header 1"),
        ("fec/fec-montant-sens.txt", "1: data 11 header 1"),
        ("outlook-csv/outlook-classic-fr-cp1252.csv", "1: data 4 header 1"),
        (
            "excel/messy-clients-fr.xlsx",
            "Clients 4: blank 3 data 5 header 2 title 1 total 1; Clients 14: data 1 header 1 title 1; \
             Anciens hidden 1: data 1 header 1",
        ),
        ("excel/calamine__header-row.xlsx", "Sheet1 9: blank 7 data 1 header 1 title 1"),
        (
            "excel/calamine__table-multiple.xlsx",
            "Sheet1 1: data 4 header 1; Sheet2 1: data 4 header 1; \
             Sheet3 1: blank 1 data 8 header 1 repeat 1",
        ),
        (
            "excel/calamine__number_rows_repeated.ods",
            "Sheet1 1: blank 3 data 4 header 1; Sheet2 2: blank 4 data 4 header 1; \
             Sheet3 3: blank 5 data 4 header 1",
        ),
        ("excel/calamine__empty_sheet.xlsx", "no sheet of it holds anything"),
        ("excel/calamine__pass_protected.ods", "it is protected by a password"),
        ("excel/calamine__pass_protected.xlsx", "it is protected by a password"),
        ("excel/phpspreadsheet__pwtest.xls", "it is protected by a password"),
        ("excel/test_files__password_2002_40_basecrypto.xls", "it is protected by a password"),
        ("excel/test_files__password_2002_40_xor.xls", "it is protected by a password"),
        ("excel/xlrd__biff4_no_format_no_window2.xls", "it is a workbook of Excel 4 or older"),
        ("vcard/ez-vcard__John_Doe_ANDROID.vcf", "0: data 6"),
        ("vcard/calcard__006.vcf", "0: data 1"),
        ("vcard/vobject__issue153.vcf", "0: data 1"),
    ];
    for (file, summarised) in expected {
        assert_eq!(summary(&samples.join(file)), summarised, "{file}");
    }
}

#[test]
fn dates_are_iso_whichever_the_calendar_of_the_workbook() {
    let Some(samples) = samples() else {
        eprintln!("skipped: there are no samples beside the project");
        return;
    };
    let first_column = |file: &str| -> Vec<String> {
        let tables = open(&samples.join("excel").join(file)).expect("it is read");
        let rows = tables.into_iter().next().expect("a table").rows;
        rows.filter_map(|row| match row.content {
            Content::Data(cells) => cells.get(0).map(str::to_owned),
            _ => None,
        })
        .collect()
    };
    for file in [
        "calamine__date.xls",
        "calamine__date.xlsb",
        "calamine__date.ods",
        "calamine__date_1904.xls",
        "calamine__date_1904.xlsx",
    ] {
        let dates = first_column(file);
        assert_eq!(dates[0], "2021-01-01", "{file}");
    }
}

/// Generated estates with their truth: the demo of the project, and one named by `ORPAILLEUR_CORPUS`.
fn estates() -> Vec<PathBuf> {
    let named = std::env::var_os("ORPAILLEUR_CORPUS").map(PathBuf::from);
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo");
    named
        .into_iter()
        .chain([demo])
        .filter(|estate| estate.join("truth/rows.csv").is_file())
        .collect()
}

fn truth(estate: &Path, file: &str) -> Vec<StringRecord> {
    let reader = csv::Reader::from_path(estate.join("truth").join(file));
    reader.expect("the truth").into_records().map(|row| row.expect("a row")).collect()
}

#[test]
fn every_row_of_an_estate_is_what_the_truth_says() {
    let estates = estates();
    if estates.is_empty() {
        eprintln!("skipped: there is no estate with its truth");
    }
    for estate in estates {
        let legacy = Some(estate.join("legacy")).filter(|folder| folder.is_dir());
        let legacy = legacy.unwrap_or_else(|| estate.clone());
        // What each row of each table is.
        let mut data: BTreeMap<(String, String), BTreeSet<u32>> = BTreeMap::new();
        for row in truth(&estate, "rows.csv") {
            let (file, sheet) = (row[0].to_owned(), row[1].to_owned());
            if data.contains_key(&(file.clone(), sheet.clone())) {
                continue;
            }
            for table in open(&legacy.join(&file)).unwrap_or_else(|error| panic!("{error}")) {
                let rows = data.entry((file.clone(), table.sheet.clone())).or_default();
                for row in table.rows {
                    match row.content {
                        Content::Data(_) => {
                            assert!(rows.insert(row.number), "{file} {}", row.number)
                        }
                        Content::Skipped(_) => {}
                        Content::Bad { code, .. } => panic!("{file} {}: {code}", row.number),
                    }
                }
            }
        }
        let of = |row: &StringRecord| &data[&(row[0].to_owned(), row[1].to_owned())];
        let number = |row: &StringRecord| row[2].parse::<u32>().expect("a row number");
        for record in truth(&estate, "records.csv") {
            assert!(of(&record).contains(&number(&record)), "{record:?} is no row of data");
        }
        let mut junk: BTreeMap<(String, String), usize> = BTreeMap::new();
        for row in truth(&estate, "junk.csv") {
            let is_data = of(&row).contains(&number(&row));
            let reason = &row[3];
            assert_eq!(is_data, !matches!(reason, "blank" | "total"), "{row:?}");
            *junk.entry((row[0].to_owned(), row[1].to_owned())).or_default() +=
                usize::from(is_data);
        }
        for row in truth(&estate, "rows.csv") {
            let expected: usize = row[2].parse().expect("a count");
            let junk = junk.get(&(row[0].to_owned(), row[1].to_owned())).copied().unwrap_or(0);
            assert_eq!(of(&row).len(), expected + junk, "{row:?}");
        }
    }
}

/// One small file of each kind that is text, damaged below.
const WHOLE: &[&str] = &[
    "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:Lef=E8vre;Zo=E9;;Mme\r\nADR;WORK:;;1 rue=\r\n X;Lyon\r\nPHOTO;BASE64:\r\n AAAA\r\n\r\nX-ABShowAs:COMPANY\r\nORG:Acme;Sales\r\nAGENT:\r\nBEGIN:VCARD\r\nFN:A\r\nEND:VCARD\r\nBDAY:--0314\r\nEND:VCARD\r\n",
    "BEGIN:VCARD\nVERSION:4.0\nitem1.TEL;TYPE=\"work,voice\";VALUE=uri:tel:+33-1\nitem1.X-ABLabel:_$!<Home>!$_\nADR;LABEL=\"1 rue X^nLyon\":;;;;;;\nKIND:group\nEND:VCARD\n",
    "#FLG 000\r\n#VER 31\r\n#DEV EUR\r\n#MPCT\r\nA\r\nAlpha\r\n0\r\n411\r\nSARL\r\nA\r\n\r\n1 rue X\r\n\r\n69001\r\nLyon\r\n\r\nFrance\r\n#MCTT\r\nRoy\r\nZoé\r\n#MRLT\r\n1\r\n2\r\n30\r\n#MCDL\r\nDépôt\r\n#MPCT\r\nB\r\n#FIN\r\n",
    "!HDR\tPROD\nHDR\tQ\n!CUST\tNAME\tBADDR1\tHIDDEN\nCUST\tA:B\t\"x, y\"\tN\nCUST\tC\n!VEND\tNAME\nVEND\tD\n",
    "JournalCode\tJournalLib\tEcritureNum\tEcritureDate\tCompteNum\tCompteLib\tCompAuxNum\tCompAuxLib\tPieceRef\tPieceDate\tEcritureLib\tDebit\tCredit\tEcritureLet\tDateLet\tValidDate\tMontantdevise\tIdevise\nVE\tVentes\t1\t20240115\t411\tClients\tC1\tDupont\tF1\t20240115\tx\t12,00\t0,00\t\t\t20240131\t13,00\tUSD\nVE\tVentes\t1\t20240115\t707\tVentes\t\t\tF1\t20240115\tx\t0,00\t12,00\t\t\t20240131\t\t\n",
    "<comptabilite><exercice><journal><JournalCode>VE</JournalCode><ecriture><EcritureNum>1</EcritureNum><EcritureDate>2024-01-15</EcritureDate><ligne><CompteNum>411</CompteNum><CompteLib>A &amp; &#233;</CompteLib><Debit>1</Debit><Credit>0</Credit></ligne></ecriture></journal></exercice></comptabilite>",
    "    1VE2024011520240215F1          411DUPONT  Facture                  0000000120.00D                  Dupont SARL                       O\n    1VE20240115        F1          707000     Facture                  0000000120.00C                  Ventes                            O\n",
];

/// Reads a file to its end, its entries too where it is an accounting file.
fn read_to_the_end(bytes: Vec<u8>) {
    let Ok(tables) = tables(Path::new("512345675FEC20241231.txt"), bytes.into(), "") else {
        return;
    };
    for table in tables {
        if !crate::ingest::fec::is_fec(&table.header) {
            table.rows.for_each(drop);
            continue;
        }
        let mut builder = crate::table::RecordsBuilder::default();
        let place = builder.place(crate::table::Place {
            source: "fec".into(),
            file: "512345675FEC20241231.txt".into(),
            sheet: String::new(),
            key_space: String::new(),
            rank: 0,
            country: String::new(),
            dated: String::new(),
        });
        let quiet = crate::progress::Progress::hidden();
        let books = crate::ingest::fec::read(table.header, table.rows, place, &builder, &quiet);
        let ledger = books.expect("not interrupted").finish(&mut builder);
        let part = &ledger.parts[0];
        let rejected = part.rejects.iter().filter(|r| r.severity == crate::table::Severity::Row);
        let rows = part.record_rows + part.history_rows + part.skipped.len() as u64;
        assert_eq!(part.rows, rows + rejected.count() as u64, "every row has one fate");
    }
}

proptest::proptest! {
    #[test]
    fn a_damaged_export_is_read_or_refused(
        kind in 0..WHOLE.len(),
        edits in proptest::collection::vec((0usize..2000, proptest::sample::select(
            b"\0\t\n\r \"#'(),-./0123456789:;<=>ACDEN\\^|\x80\xC3\xE9\xFF".to_vec())), 0..12),
        cut in 0usize..2000,
    ) {
        let mut bytes = WHOLE[kind].as_bytes().to_vec();
        for (at, byte) in edits {
            let at = at % bytes.len();
            // Half of the damage is a byte too many, half a wrong one.
            if at.is_multiple_of(2) { bytes.insert(at, byte) } else { bytes[at] = byte }
        }
        if cut < 1000 {
            bytes.truncate(cut.max(1));
        }
        read_to_the_end(bytes);
    }
}

#[test]
fn whole_exports_are_read_as_what_they_are() {
    let containers = ["vcard", "vcard", "sage", "iif", "text", "fec_xml", "fixed_width"];
    for (text, container) in WHOLE.iter().zip(containers) {
        let tables = tables(Path::new("x"), text.as_bytes().to_vec().into(), "");
        let table = tables.unwrap_or_else(|e| panic!("{container}: {e}")).remove(0);
        assert_eq!(table.format.container, container);
    }
}

#[test]
fn ledgers_without_public_layout_are_refused_with_what_to_export() {
    let entry =
        "M411DUP  VE000150124 Facture 1            D+000000012000                       EUR\r\n";
    for text in [
        entry.repeat(3),
        "***S5CAE000\r\nVE 411\r\n".to_owned(),
        format!("L{:0>105}\r\n", 1).repeat(3),
    ] {
        let message = match tables(Path::new("x"), text.clone().into_bytes().into(), "") {
            Err(error) => format!("{error} {}", error.hint().unwrap_or_default()),
            Ok(_) => panic!("{text}"),
        };
        assert!(message.contains("export the FEC"), "{message}");
    }
}
