//! Turns a company's legacy customer data into a CRM migration that can be signed off.
//!
//! A migration is a line of stages. Each reads the tables made before it, makes one of its own, and
//! returns the numbers the report shows.
//!
//! | stage           | reads                         | makes                                              |
//! |-----------------|-------------------------------|----------------------------------------------------|
//! | [`ingest`]      | source files                  | records, rejects, consent events, history          |
//! | [`normalize`]   | records                       | clean records: every value in its one form         |
//! | [`block`]       | clean records                 | candidate pairs, streamed                          |
//! | [`score`]       | candidate pairs               | a match weight in bits for each                    |
//! | [`cluster`]     | scored pairs                  | one cluster per record, pairs for review           |
//! | [`consolidate`] | clean records, clusters       | golden records, lineage, consents, crosswalk       |
//! | [`emit`]        | golden records                | load files for the target CRM                      |
//! | [`report`]      | the numbers of all the others | `report/index.html`, `report.xlsx`, `report.json`  |
//!
//! Start at [`pipeline::run`]: it is the whole product on one screen.

pub mod error;
pub mod model;
pub mod table;
mod lists;
pub mod coded;
pub mod pairs;
pub mod value;

pub mod store;
pub mod registry;
pub mod decisions;
pub mod document;
pub mod timing;
pub mod progress;

pub mod ingest;
pub mod normalize;
pub mod block;
pub mod score;
pub mod cluster;
pub mod consolidate;
pub mod emit;

pub mod report;
pub mod run;
mod filled_in;
pub mod vocabulary;
pub mod owners;
pub mod fixes;
pub mod legacy;
pub mod config;
pub mod init;
pub mod profile;
pub mod matching;
pub mod reuse;
pub mod pipeline;
pub mod explain;
pub mod decide;
pub mod diff;
// Whether a finished run is still what it was.
pub mod verify;
pub mod evaluate;
pub mod label;
pub mod mappings;
pub mod cli;
