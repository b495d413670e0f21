ALTER TABLE model_versions DROP CONSTRAINT model_versions_name_digest_meaning_predictor_key;
ALTER TABLE model_versions DROP COLUMN predictor;
ALTER TABLE model_versions ADD CONSTRAINT model_versions_name_digest_meaning_key UNIQUE (name, digest, meaning);
