# Weights are the load balancer's: each request goes to a slot by chance, in proportion. None is kept together with others.

resource "aws_lb" "balancer" {
  # A load balancer's name has at most 32 characters; the tags say whose it is.
  name                       = "loanops-${substr(sha256(local.name), 0, 16)}"
  load_balancer_type         = "application"
  internal                   = true
  subnets                    = var.subnet_ids
  security_groups            = [aws_security_group.balancer.id]
  drop_invalid_header_fields = true
  enable_deletion_protection = var.environment == "production"
}

resource "aws_lb_target_group" "slot" {
  for_each = var.tracks

  # A target group that takes another's place needs another name.
  name_prefix          = "${each.key}-"
  target_type          = "ip"
  vpc_id               = var.vpc_id
  protocol             = "HTTP"
  port                 = local.predictor_port
  deregistration_delay = "30"

  health_check {
    path                = "/readyz"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  tags = { "loanops:slot" = each.key }

  lifecycle {
    # This orders a removal: only with it does Terraform change the route before it destroys a slot that no longer gets traffic.
    create_before_destroy = true
  }
}

resource "aws_lb_listener" "decisions" {
  load_balancer_arn = aws_lb.balancer.arn
  protocol          = "HTTPS"
  port              = local.decisions_port
  certificate_arn   = var.certificate_arn
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"

  # What the route does not take: no weights, or a path that is not for callers.
  default_action {
    type = "fixed-response"

    fixed_response {
      status_code  = "503"
      content_type = "text/plain"
      message_body = "no model version has traffic"
    }
  }
}

locals {
  # A weight of 0 may name a slot that is not there.
  weights = { for slot, weight in var.weights : slot => weight if contains(keys(var.tracks), slot) }
}

resource "aws_lb_listener_rule" "route" {
  count = length(local.weights) == 0 ? 0 : 1

  listener_arn = aws_lb_listener.decisions.arn
  priority     = 100

  action {
    type = "forward"

    forward {
      dynamic "target_group" {
        for_each = local.weights

        content {
          arn    = aws_lb_target_group.slot[target_group.key].arn
          weight = target_group.value
        }
      }
    }
  }

  condition {
    path_pattern {
      # Metrics and health are not for callers.
      values = ["/v1/*", "/openapi.json"]
    }
  }

  tags = { "loanops:generation" = tostring(var.generation) }

  # A track is ready before traffic goes to it.
  depends_on = [aws_ecs_service.predictor]
}

# A slot can be asked by its name before it has weight: golden requests, metrics. It also makes the target group one of a load balancer, without
# which ECS starts no service.

resource "aws_lb_listener" "probe" {
  load_balancer_arn = aws_lb.balancer.arn
  protocol          = "HTTPS"
  port              = local.probe_port
  certificate_arn   = var.certificate_arn
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"

  default_action {
    type = "fixed-response"

    fixed_response {
      status_code  = "404"
      content_type = "text/plain"
      message_body = "X-Loanops-Slot names no slot"
    }
  }
}

resource "aws_lb_listener_rule" "probe" {
  for_each = var.tracks

  listener_arn = aws_lb_listener.probe.arn
  priority     = each.key == "blue" ? 1 : 2

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.slot[each.key].arn
  }

  condition {
    http_header {
      http_header_name = "X-Loanops-Slot"
      values           = [each.key]
    }
  }
}
