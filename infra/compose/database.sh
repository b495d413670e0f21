#!/bin/sh
# Runs once, when PostgreSQL's volume is empty: LoanOps gets a role and a database of its own, and no way into Temporal's.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --set password="$LOANOPS_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE loanops LOGIN PASSWORD :'password';
CREATE DATABASE loanops OWNER loanops;
REVOKE CONNECT ON DATABASE loanops FROM PUBLIC;
SQL
