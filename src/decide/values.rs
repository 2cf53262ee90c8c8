//! Decisions about values: what a person writes is brought to the form in which values are compared.

use super::{Desk, refused};
use crate::{
    config::country,
    consolidate::shown,
    decisions::{self, Verdict},
    error::{Error, Result},
    model::{self, Kind},
    normalize,
    progress::Progress,
    table::{Draft, Ingested, NO_COUNTRY, Place, Records, RecordsBuilder},
    value::text,
};

impl Desk {
    /// The golden record that `name` is in has this value for `attribute`, or that of `source`; with `until_change` as
    /// long as its rows say of it what they say now.
    ///
    /// # Errors
    ///
    /// When there is no such attribute or source, or the value is none of its kind.
    pub fn pin(
        &self,
        name: &str,
        kind: Option<Kind>,
        attribute: &str,
        value: Option<&str>,
        source: Option<&str>,
        until_change: bool,
    ) -> Result<Verdict> {
        let (records, kind) = self.records_of(name, kind)?;
        self.check_attribute(attribute, kind)?;
        if let Some(source) = source {
            self.check_source(source)?;
        }
        let value = value.map(|value| self.canonical(attribute, value, kind)).transpose()?;
        let said = || decisions::said(&self.tables.records, &records, attribute, &self.key);
        Ok(Verdict::Pin {
            until: until_change.then(said),
            records: self.rows(&records),
            attribute: attribute.to_owned(),
            value,
            source: source.map(str::to_owned),
        })
    }

    /// What `name` says survives nowhere: of one attribute, or one value of it, where told.
    ///
    /// # Errors
    ///
    /// When there is no such attribute, or the rows do not say the value.
    pub fn ignore(
        &self,
        name: &str,
        kind: Option<Kind>,
        attribute: Option<&str>,
        value: Option<&str>,
    ) -> Result<Verdict> {
        let (records, kind) = self.records_of(name, kind)?;
        if let Some(attribute) = attribute {
            self.check_attribute(attribute, kind)?;
        }
        let value = match (attribute, value) {
            (Some(attribute), Some(value)) => Some(self.canonical(attribute, value, kind)?),
            _ => None,
        };
        if let (Some(attribute), Some(value)) = (attribute, &value) {
            let records = records.iter();
            let mut held =
                records.flat_map(|&record| self.tables.records.values(attribute, record as usize));
            if !held.any(|held| held == value) {
                let message = format!("`{name}` does not say that of `{attribute}`");
                return Err(refused(&message, "`orpailleur explain` shows what it says"));
            }
        }
        let attribute = attribute.map(str::to_owned);
        Ok(Verdict::Ignore { records: self.rows(&records), attribute, value })
    }

    /// The value survives nowhere, whoever says it.
    ///
    /// # Errors
    ///
    /// When there is no such attribute, or the value is none of its kind.
    pub fn block(&self, attribute: &str, value: &str) -> Result<Verdict> {
        let on = model::attribute(attribute).and_then(|a| a.on.first().copied());
        let kind = on.unwrap_or(Kind::Other);
        self.check_attribute(attribute, kind)?;
        let value = self.canonical(attribute, value, kind)?;
        Ok(Verdict::Block { attribute: attribute.to_owned(), value })
    }

    fn records_of(&self, name: &str, kind: Option<Kind>) -> Result<(Vec<u32>, Kind)> {
        let records = self.chosen(&[name.to_owned()], kind)?.remove(0);
        let kind = self.tables.records.kinds[records[0] as usize];
        Ok((records, kind))
    }

    fn check_attribute(&self, name: &str, kind: Kind) -> Result<()> {
        let fits = |a: &model::Attribute| !a.part && a.on.contains(&kind);
        let is_column = self.tables.records.columns.contains_key(name);
        match model::attribute(name) {
            Some(attribute) if fits(attribute) => return Ok(()),
            None if is_column => return Ok(()),
            _ => {}
        }
        let known = model::attributes().iter().filter(|(_, a)| fits(a));
        let near = text::nearest(name, known.map(|(known, _)| known.as_str()));
        Err(Error::NotFound {
            what: "attribute",
            name: name.to_owned(),
            hint: near.map(|near| format!("the nearest known one is `{near}`")),
        })
    }

    fn check_source(&self, name: &str) -> Result<()> {
        let known = || self.tables.records.places.iter().map(|place| place.source.as_str());
        match known().any(|known| known == name) {
            true => Ok(()),
            false => Err(Error::NotFound {
                what: "source",
                name: name.to_owned(),
                hint: text::nearest(name, known())
                    .map(|near| format!("the nearest one is `{near}`")),
            }),
        }
    }

    /// A value as records hold it: one that a record shows so, else what normalizing makes of it.
    fn canonical(&self, attribute: &str, written: &str, kind: Kind) -> Result<String> {
        if let Some(column) = self.tables.records.columns.get(attribute) {
            let mut held = (0..column.len()).flat_map(|at| column.values(at));
            if let Some(held) = held.find(|v| *v == written || shown(attribute, v) == written) {
                return Ok(held.to_owned());
            }
        }
        let clean = self.normalized(attribute, written, kind)?;
        let mut values = clean.values(attribute, 0);
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value.to_owned()),
            _ => Err(refused(
                &format!("that is no value of `{attribute}`"),
                "write it as a row of the exports would",
            )),
        }
    }

    /// One record that says this, as a run would understand it.
    fn normalized(&self, attribute: &str, written: &str, kind: Kind) -> Result<Records> {
        let settings = &self.plan.normalize;
        let mut builder = RecordsBuilder::default();
        let country = country(&settings.country).unwrap_or_else(|| NO_COUNTRY.to_owned());
        let place = builder.place(Place { country, ..Place::default() });
        let origin = builder.origin(place, attribute, "");
        let values = vec![(attribute.into(), written.to_owned(), origin)];
        builder.push(Draft { kind: Some(kind), place, row: 1, values, ..Draft::default() });
        let records = builder.finish(&self.key).0;
        let ingested = Ingested { records, ..Ingested::default() };
        let clean = normalize::run(&ingested, settings, &Progress::hidden())?;
        Ok(clean.table.records)
    }
}
