ALTER TABLE model_versions ADD COLUMN predictor TEXT NOT NULL DEFAULT ''; -- the image in which it serves, registry.ModelVersion.Predictor
ALTER TABLE model_versions DROP CONSTRAINT model_versions_name_digest_meaning_key;
ALTER TABLE model_versions ADD CONSTRAINT model_versions_name_digest_meaning_predictor_key UNIQUE (name, digest, meaning, predictor);
