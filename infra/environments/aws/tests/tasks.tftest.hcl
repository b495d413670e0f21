# What runs, from which bytes, and how one takes the place of another.

mock_provider "aws" {
  source = "./tests"
}

run "images_by_digest" {
  assert {
    condition = { for slot, task in aws_ecs_task_definition.predictor : slot => jsondecode(task.container_definitions)[*].image } == {
      for slot, track in var.tracks : slot => ["${var.registry}/${var.fetch_image}", "${var.registry}/${track.image}"]
    }
    error_message = "Containers are not of the images that were given."
  }
  assert {
    condition = alltrue(flatten([
      for task in aws_ecs_task_definition.predictor : [for image in jsondecode(task.container_definitions)[*].image : can(regex("^[a-z0-9./-]+@sha256:[0-9a-f]{64}$", image))]
    ]))
    error_message = "An image is named by something that can be moved to other bytes."
  }
}

run "predictor" {
  assert {
    condition = jsondecode(aws_ecs_task_definition.predictor["blue"].container_definitions)[1].command == [
      "predictor", "--bundle", "/model/model.bundle", "--digest", var.tracks["blue"].digest, "--version", "3",
      "--policy", "/model/policy.json", "--policy-digest", var.tracks["blue"].policy_digest, "--meaning", "default", "--address", "0.0.0.0:8080",
    ]
    error_message = "The predictor is started otherwise than on the local target."
  }
  assert {
    # 128 MiB times 0.95, and half a core, as contract.PredictorEnv has it.
    condition = jsondecode(aws_ecs_task_definition.predictor["blue"].container_definitions)[1].environment == [
      { name = "GOMEMLIMIT", value = "124518KiB" }, { name = "GOMAXPROCS", value = "1" },
    ]
    error_message = "The predictor has other limits than on the local target."
  }
  assert {
    condition = alltrue([for task in aws_ecs_task_definition.predictor : (
      jsondecode(task.container_definitions)[1].user == "65532:65532" && jsondecode(task.container_definitions)[1].readonlyRootFilesystem &&
      jsondecode(task.container_definitions)[1].linuxParameters.capabilities.drop == ["ALL"] && jsondecode(task.container_definitions)[1].mountPoints[0].readOnly
    )])
    error_message = "The predictor may do more than it needs."
  }
}

run "drill" {
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { drill = "delay=1s" }) }
    weights = { blue = 100 }
  }
  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.predictor["blue"].container_definitions)[1].environment, { name = "LOANOPS_DRILL", value = "delay=1s" })
    error_message = "The drill does not reach the predictor."
  }
}

run "files_come_first" {
  assert {
    condition = alltrue([for slot, task in aws_ecs_task_definition.predictor : (
      jsondecode(task.container_definitions)[0].name == "fetch" && !jsondecode(task.container_definitions)[0].essential &&
      jsondecode(task.container_definitions)[1].essential && jsondecode(task.container_definitions)[1].dependsOn == [{ containerName = "fetch", condition = "SUCCESS" }]
    )])
    error_message = "A predictor starts without its files, or ends with what fetched them."
  }
  assert {
    condition = { for slot, task in aws_ecs_task_definition.predictor : slot => { for each in jsondecode(task.container_definitions)[0].environment : each.name => each.value } } == {
      for slot, track in var.tracks : slot => {
        AWS_REGION    = "eu-central-1"
        FOLDER        = "/model"
        BUNDLE_URI    = track.bundle_uri
        BUNDLE_DIGEST = track.digest
        POLICY        = track.policy
        POLICY_DIGEST = track.policy_digest
      }
    }
    error_message = "What is fetched is not the track's."
  }
  assert {
    condition     = alltrue([for task in aws_ecs_task_definition.predictor : [for container in jsondecode(task.container_definitions) : container.mountPoints[0].containerPath] == ["/model", "/model"] && one(task.volume).name == "model"])
    error_message = "The two do not share a folder."
  }
}

run "one_takes_the_place_of_another" {
  assert {
    condition = alltrue([for service in aws_ecs_service.predictor : (
      service.deployment_minimum_healthy_percent == 100 && service.deployment_maximum_percent == 200 && service.deployment_circuit_breaker[0].enable &&
      service.deployment_circuit_breaker[0].rollback && service.wait_for_steady_state && service.desired_count == 2
    )])
    error_message = "A deployment that fails is not noticed, or takes healthy tasks away."
  }
  assert {
    condition = { for slot, service in aws_ecs_service.predictor : slot => service.task_definition } == {
      blue  = aws_ecs_task_definition.predictor["blue"].arn
      green = aws_ecs_task_definition.predictor["green"].arn
    }
    error_message = "A service runs another slot's task."
  }
}

run "logs_end" {
  assert {
    condition = aws_cloudwatch_log_group.predictors.retention_in_days == 30 && alltrue(flatten([
      for task in aws_ecs_task_definition.predictor : [for container in jsondecode(task.container_definitions) : container.logConfiguration.options["awslogs-group"] == "/loanops/staging/loan-eligibility"]
    ]))
    error_message = "Logs are kept for ever, or elsewhere."
  }
}
