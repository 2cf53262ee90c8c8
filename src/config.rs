//! `orpailleur.toml` as written (`Project`) and as it can run (`Plan`).
