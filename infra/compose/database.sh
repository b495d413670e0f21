#!/bin/sh
# Runs once, when PostgreSQL's volume is empty: LoanOps gets a role and a database of its own, its feature store another,
# and neither a way into Temporal's or the other's.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --set password="$LOANOPS_DATABASE_PASSWORD" --set features="$LOANOPS_FEATURES_PASSWORD" <<'SQL'
CREATE ROLE loanops LOGIN PASSWORD :'password';
CREATE DATABASE loanops OWNER loanops;
REVOKE CONNECT ON DATABASE loanops FROM PUBLIC;
CREATE ROLE features LOGIN PASSWORD :'features';
CREATE DATABASE features OWNER features;
REVOKE CONNECT ON DATABASE features FROM PUBLIC;
SQL
