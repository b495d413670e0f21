# Weights, slots and who reaches them.

mock_provider "aws" {
  source = "./tests"
}

run "weights" {
  assert {
    condition = { for group in aws_lb_listener_rule.route[0].action[0].forward[0].target_group : group.arn => group.weight } == {
      (aws_lb_target_group.slot["blue"].arn)  = 90
      (aws_lb_target_group.slot["green"].arn) = 10
    }
    error_message = "The weights are not those of their slots."
  }
  assert {
    condition     = aws_lb_listener_rule.route[0].listener_arn == aws_lb_listener.decisions.arn && aws_lb_listener_rule.route[0].tags["loanops:generation"] == "7"
    error_message = "The route is not the listener's of decisions, or does not tell its generation."
  }
  assert {
    condition     = one(aws_lb_listener_rule.route[0].condition).path_pattern[0].values == toset(["/v1/*", "/openapi.json"])
    error_message = "Callers reach more than decisions."
  }
  assert {
    condition     = output.weights == { blue = 90, green = 10 } && output.versions == { blue = 3, green = 4 }
    error_message = "The outputs say something else."
  }
}

run "other_weights" {
  variables {
    weights = { blue = 0, green = 100 }
  }
  assert {
    condition = { for group in aws_lb_listener_rule.route[0].action[0].forward[0].target_group : group.arn => group.weight } == {
      (aws_lb_target_group.slot["blue"].arn)  = 0
      (aws_lb_target_group.slot["green"].arn) = 100
    }
    error_message = "The weights are not those of their slots."
  }
}

run "services_are_behind_their_slots" {
  assert {
    condition = { for slot, service in aws_ecs_service.predictor : slot => one(service.load_balancer).target_group_arn } == {
      blue  = aws_lb_target_group.slot["blue"].arn
      green = aws_lb_target_group.slot["green"].arn
    }
    error_message = "A service is behind another slot's target group."
  }
  assert {
    condition     = alltrue([for group in aws_lb_target_group.slot : group.health_check[0].path == "/readyz" && group.health_check[0].matcher == "200"])
    error_message = "Health is not asked where a predictor tells it."
  }
}

run "no_weights" {
  variables {
    weights = {}
  }
  assert {
    condition     = length(aws_lb_listener_rule.route) == 0 && output.weights == null && output.route_rule_arn == null
    error_message = "Something is routed."
  }
  assert {
    condition     = aws_lb_listener.decisions.default_action[0].type == "fixed-response" && aws_lb_listener.decisions.default_action[0].fixed_response[0].status_code == "503"
    error_message = "What is not routed is not answered by 503."
  }
  assert {
    condition = { for slot, rule in aws_lb_listener_rule.probe : one(one(rule.condition).http_header[0].values) => rule.action[0].target_group_arn } == {
      blue  = aws_lb_target_group.slot["blue"].arn
      green = aws_lb_target_group.slot["green"].arn
    }
    error_message = "A slot without weight cannot be asked by its name."
  }
  assert {
    condition     = length(distinct(values(aws_lb_listener_rule.probe)[*].priority)) == 2
    error_message = "Two rules have one priority."
  }
}

run "nothing" {
  variables {
    tracks  = {}
    weights = {}
  }
  assert {
    condition     = length(aws_ecs_service.predictor) == 0 && length(aws_iam_role.task) == 0 && output.versions == null
    error_message = "Something runs."
  }
}

run "weight_0_of_a_slot_that_is_not_there" {
  variables {
    tracks  = { blue = var.tracks["blue"] }
    weights = { blue = 100, green = 0 }
  }
  assert {
    condition     = { for group in aws_lb_listener_rule.route[0].action[0].forward[0].target_group : group.arn => group.weight } == { (aws_lb_target_group.slot["blue"].arn) = 100 }
    error_message = "The route is not blue's alone."
  }
}

run "who_reaches_what" {
  assert {
    condition     = aws_lb.balancer.internal && aws_lb.balancer.drop_invalid_header_fields && length(aws_lb.balancer.name) <= 32
    error_message = "The load balancer is on the internet, passes broken headers or has a name too long for AWS."
  }
  assert {
    condition     = alltrue([for listener in [aws_lb_listener.decisions, aws_lb_listener.probe] : listener.protocol == "HTTPS" && startswith(listener.ssl_policy, "ELBSecurityPolicy-TLS13-")])
    error_message = "A listener takes requests without TLS, or with an old one."
  }
  assert {
    condition = (
      { for cidr, rule in aws_vpc_security_group_ingress_rule.decisions : rule.cidr_ipv4 => [rule.from_port, rule.to_port] } == { "10.1.0.0/16" = [443, 443] } &&
      { for cidr, rule in aws_vpc_security_group_ingress_rule.probe : rule.cidr_ipv4 => [rule.from_port, rule.to_port] } == { "10.2.0.0/24" = [8443, 8443] } &&
      alltrue([for rule in concat(values(aws_vpc_security_group_ingress_rule.decisions), values(aws_vpc_security_group_ingress_rule.probe)) : rule.security_group_id == aws_security_group.balancer.id])
    )
    error_message = "Others reach the load balancer than the networks that were given."
  }
  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.tasks_from_balancer.security_group_id == aws_security_group.tasks.id &&
      aws_vpc_security_group_ingress_rule.tasks_from_balancer.referenced_security_group_id == aws_security_group.balancer.id &&
      aws_vpc_security_group_ingress_rule.tasks_from_balancer.from_port == 8080 && aws_vpc_security_group_ingress_rule.tasks_from_balancer.to_port == 8080
    )
    error_message = "Others reach the tasks than the load balancer."
  }
  assert {
    condition = (
      aws_vpc_security_group_egress_rule.tasks_to_s3.prefix_list_id == "pl-0a" && aws_vpc_security_group_egress_rule.tasks_to_endpoints.referenced_security_group_id == "sg-0a" &&
      aws_vpc_security_group_egress_rule.tasks_to_s3.cidr_ipv4 == null && aws_vpc_security_group_egress_rule.tasks_to_endpoints.cidr_ipv4 == null
    )
    error_message = "Tasks reach more than S3 and the network's endpoints."
  }
  assert {
    condition     = alltrue([for service in aws_ecs_service.predictor : service.network_configuration[0].assign_public_ip == false && service.network_configuration[0].security_groups == toset([aws_security_group.tasks.id])])
    error_message = "A task has an address on the internet or another security group."
  }
}

run "production_is_not_deleted_by_mistake" {
  variables {
    environment = "production"
  }
  assert {
    condition     = aws_lb.balancer.enable_deletion_protection
    error_message = "Production's load balancer can be deleted."
  }
}
