#!/bin/sh
# Runs once, when PostgreSQL's volume is empty: LoanOps gets a role and a database of its own, its feature store another,
# and neither a way into the other's or Temporal's, whose second one would be made later, open to all.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --set password="$LOANOPS_DATABASE_PASSWORD" --set features="$LOANOPS_FEATURES_PASSWORD" <<'SQL'
CREATE ROLE loanops LOGIN PASSWORD :'password';
CREATE DATABASE loanops OWNER loanops;
CREATE ROLE features LOGIN PASSWORD :'features';
CREATE DATABASE features OWNER features;
CREATE DATABASE temporal_visibility;
REVOKE CONNECT ON DATABASE loanops, features, temporal, temporal_visibility, postgres FROM PUBLIC;
SQL
