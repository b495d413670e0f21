# The metadata: registry, records of what serves, approvals.

resource "aws_db_subnet_group" "database" {
  name       = "${var.name}-database"
  subnet_ids = var.subnet_ids
}

resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "Database of ${var.name}"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  for_each = toset(var.worker_security_group_ids)

  security_group_id            = aws_security_group.database.id
  description                  = "Workers"
  referenced_security_group_id = each.key
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_db_instance" "database" {
  identifier     = "${var.name}-database"
  engine         = "postgres"
  engine_version = "17" # RDS takes connections with TLS only, from 15 on
  instance_class = var.database_class
  db_name        = "loanops"
  username       = "loanops"

  # The password is made, kept and changed by Secrets Manager: it is in no variable, no plan and no state.
  manage_master_user_password = true

  allocated_storage     = var.database_gib
  max_allocated_storage = var.database_gib * 10
  storage_type          = "gp3"
  storage_encrypted     = true

  db_subnet_group_name   = aws_db_subnet_group.database.name
  vpc_security_group_ids = [aws_security_group.database.id]
  publicly_accessible    = false
  multi_az               = true

  backup_retention_period    = var.backup_days
  copy_tags_to_snapshot      = true
  deletion_protection        = true
  skip_final_snapshot        = false
  final_snapshot_identifier  = "${var.name}-database-final"
  auto_minor_version_upgrade = true
  # Logs are not exported: a statement that failed is written with its values.
}
