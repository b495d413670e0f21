DROP TABLE signed_records;
