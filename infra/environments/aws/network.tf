# Callers reach the load balancer, the load balancer the tasks, and tasks S3 and the network's endpoints: nothing else reaches anything.

locals {
  name           = "${var.pipeline}-${var.environment}"
  decisions_port = 443
  probe_port     = 8443
  predictor_port = 8080
}

resource "aws_security_group" "balancer" {
  name        = "${local.name}-balancer"
  description = "Load balancer of ${local.name}"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "decisions" {
  for_each = toset(var.client_cidrs)

  security_group_id = aws_security_group.balancer.id
  description       = "Decisions"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = local.decisions_port
  to_port           = local.decisions_port
}

resource "aws_vpc_security_group_ingress_rule" "probe" {
  for_each = toset(var.probe_cidrs)

  security_group_id = aws_security_group.balancer.id
  description       = "One slot by its name"
  cidr_ipv4         = each.key
  ip_protocol       = "tcp"
  from_port         = local.probe_port
  to_port           = local.probe_port
}

resource "aws_vpc_security_group_egress_rule" "balancer_to_tasks" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "Requests and health checks"
  referenced_security_group_id = aws_security_group.tasks.id
  ip_protocol                  = "tcp"
  from_port                    = local.predictor_port
  to_port                      = local.predictor_port
}

resource "aws_security_group" "tasks" {
  name        = "${local.name}-tasks"
  description = "Predictors of ${local.name}"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "tasks_from_balancer" {
  security_group_id            = aws_security_group.tasks.id
  description                  = "Requests and health checks"
  referenced_security_group_id = aws_security_group.balancer.id
  ip_protocol                  = "tcp"
  from_port                    = local.predictor_port
  to_port                      = local.predictor_port
}

resource "aws_vpc_security_group_egress_rule" "tasks_to_s3" {
  security_group_id = aws_security_group.tasks.id
  description       = "Bundles, layers of images"
  prefix_list_id    = var.s3_prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "tasks_to_endpoints" {
  security_group_id            = aws_security_group.tasks.id
  description                  = "ECR, CloudWatch Logs"
  referenced_security_group_id = var.endpoints_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}
