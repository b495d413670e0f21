# Least privilege: the whole text of each policy, so that nothing is in it beside what is wanted.

mock_provider "aws" {
  source = "./tests"
}

run "task_roles" {
  assert {
    condition = { for slot, policy in aws_iam_role_policy.bundle : slot => jsondecode(policy.policy).Statement } == {
      for slot, track in var.tracks : slot => [{
        Sid      = "Bundle"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = "arn:aws:s3:::loanops-123456789012-eu-central-1/artifacts/sha256/${substr(track.digest, 0, 2)}/${track.digest}.bundle"
      }]
    }
    error_message = "A task may do something else than read its own bundle."
  }
  assert {
    condition = { for slot, policy in aws_iam_role_policy.bundle : slot => policy.role } == { for slot, role in aws_iam_role.task : slot => role.id } && (
      { for slot, task in aws_ecs_task_definition.predictor : slot => task.task_role_arn } == { for slot, role in aws_iam_role.task : slot => role.arn }
    )
    error_message = "A task has another slot's role."
  }
  assert {
    condition     = length(distinct(values(aws_iam_role.task)[*].name)) == 2 && alltrue([for role in aws_iam_role.task : length(role.name) <= 64])
    error_message = "Two slots have one role, or a name is too long for AWS."
  }
}

run "execution_role" {
  assert {
    condition = jsondecode(aws_iam_role_policy.execution.policy).Statement == [
      { Sid = "SignIn", Effect = "Allow", Action = ["ecr:GetAuthorizationToken"], Resource = "*" },
      {
        Sid    = "Pull"
        Effect = "Allow"
        Action = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = [
          "arn:aws:ecr:eu-central-1:123456789012:repository/aws-cli",
          "arn:aws:ecr:eu-central-1:123456789012:repository/loanops-api",
        ]
      },
      { Sid = "Log", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = "${aws_cloudwatch_log_group.predictors.arn}:*" },
    ]
    error_message = "ECS may do something else than pull these images and write these logs."
  }
  assert {
    condition     = alltrue([for task in aws_ecs_task_definition.predictor : task.execution_role_arn == aws_iam_role.execution.arn]) && aws_iam_role_policy.execution.role == aws_iam_role.execution.id
    error_message = "Tasks are started with another role."
  }
}

run "registry_with_a_prefix" {
  variables {
    registry = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/team/loans"
  }
  assert {
    condition = jsondecode(aws_iam_role_policy.execution.policy).Statement[1].Resource == [
      "arn:aws:ecr:eu-west-1:210987654321:repository/team/loans/aws-cli",
      "arn:aws:ecr:eu-west-1:210987654321:repository/team/loans/loanops-api",
    ]
    error_message = "The repositories are not those of the registry."
  }
}

run "who_takes_the_roles" {
  assert {
    condition = alltrue([for role in concat([aws_iam_role.execution], values(aws_iam_role.task)) : jsondecode(role.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    }]])
    error_message = "Others than ECS, for this account, can take a role."
  }
}

# Tasks of the bundle before still read theirs while new ones start.
run "another_bundle_another_role" {
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { bundle_uri = "s3://loanops-123456789012-eu-central-1/artifacts/other.bundle" }) }
    weights = { blue = 100 }
  }
  assert {
    condition     = aws_iam_role.task["blue"].name != run.task_roles.task_role_names["blue"]
    error_message = "The role of the bundle before is changed under running tasks."
  }
}

run "names_have_room" {
  variables {
    pipeline    = "a234567890123456789012345678901234567890"
    environment = "production"
  }
  assert {
    condition     = length(aws_iam_role.execution.name) <= 64
    error_message = "The role's name is too long for AWS."
  }
}
