# The wanted sizes are those of AWS' documentation: "Task CPU and memory" of Fargate's tasks.

mock_provider "aws" {
  source = "./tests"
}

run "the_smallest" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { cpu_millis = 10, memory_mib = 16 }) }
    weights = { blue = 100 }
  }
  assert {
    condition     = aws_ecs_task_definition.predictor["blue"].cpu == "256" && aws_ecs_task_definition.predictor["blue"].memory == "512"
    error_message = "Want 256 units and 512 MiB, got ${jsonencode(output.granted)}."
  }
  assert {
    condition     = output.granted == { blue = { asked_cpu_millis = 10, asked_memory_mib = 16, cpu_units = 256, memory_mib = 512 } }
    error_message = "The output does not say what was asked for and granted."
  }
}

run "all_that_256_units_have" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { cpu_millis = 250, memory_mib = 2048 }) }
    weights = { blue = 100 }
  }
  assert {
    condition     = aws_ecs_task_definition.predictor["blue"].cpu == "256" && aws_ecs_task_definition.predictor["blue"].memory == "2048"
    error_message = "Want 256 units and 2048 MiB, got ${jsonencode(output.granted)}."
  }
  assert {
    condition     = output.granted == { blue = { asked_cpu_millis = 250, asked_memory_mib = 2048, cpu_units = 256, memory_mib = 2048 } }
    error_message = "The output does not say what was asked for and granted."
  }
}

# 250 thousandths are 256 units
run "a_little_more_cpu" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { cpu_millis = 251, memory_mib = 512 }) }
    weights = { blue = 100 }
  }
  assert {
    condition     = aws_ecs_task_definition.predictor["blue"].cpu == "512" && aws_ecs_task_definition.predictor["blue"].memory == "1024"
    error_message = "Want 512 units and 1024 MiB, got ${jsonencode(output.granted)}."
  }
  assert {
    condition     = output.granted == { blue = { asked_cpu_millis = 251, asked_memory_mib = 512, cpu_units = 512, memory_mib = 1024 } }
    error_message = "The output does not say what was asked for and granted."
  }
}

run "more_memory_than_256_units_have" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { cpu_millis = 10, memory_mib = 2049 }) }
    weights = { blue = 100 }
  }
  assert {
    condition     = aws_ecs_task_definition.predictor["blue"].cpu == "512" && aws_ecs_task_definition.predictor["blue"].memory == "3072"
    error_message = "Want 512 units and 3072 MiB, got ${jsonencode(output.granted)}."
  }
  assert {
    condition     = output.granted == { blue = { asked_cpu_millis = 10, asked_memory_mib = 2049, cpu_units = 512, memory_mib = 3072 } }
    error_message = "The output does not say what was asked for and granted."
  }
}

run "one_core" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { cpu_millis = 1000, memory_mib = 8192 }) }
    weights = { blue = 100 }
  }
  assert {
    condition     = aws_ecs_task_definition.predictor["blue"].cpu == "1024" && aws_ecs_task_definition.predictor["blue"].memory == "8192"
    error_message = "Want 1024 units and 8192 MiB, got ${jsonencode(output.granted)}."
  }
  assert {
    condition     = output.granted == { blue = { asked_cpu_millis = 1000, asked_memory_mib = 8192, cpu_units = 1024, memory_mib = 8192 } }
    error_message = "The output does not say what was asked for and granted."
  }
}

run "more_memory_than_one_core_has" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { cpu_millis = 1000, memory_mib = 8193 }) }
    weights = { blue = 100 }
  }
  assert {
    condition     = aws_ecs_task_definition.predictor["blue"].cpu == "2048" && aws_ecs_task_definition.predictor["blue"].memory == "9216"
    error_message = "Want 2048 units and 9216 MiB, got ${jsonencode(output.granted)}."
  }
  assert {
    condition     = output.granted == { blue = { asked_cpu_millis = 1000, asked_memory_mib = 8193, cpu_units = 2048, memory_mib = 9216 } }
    error_message = "The output does not say what was asked for and granted."
  }
}

run "four_cores" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { cpu_millis = 4000, memory_mib = 30720 }) }
    weights = { blue = 100 }
  }
  assert {
    condition     = aws_ecs_task_definition.predictor["blue"].cpu == "4096" && aws_ecs_task_definition.predictor["blue"].memory == "30720"
    error_message = "Want 4096 units and 30720 MiB, got ${jsonencode(output.granted)}."
  }
  assert {
    condition     = output.granted == { blue = { asked_cpu_millis = 4000, asked_memory_mib = 30720, cpu_units = 4096, memory_mib = 30720 } }
    error_message = "The output does not say what was asked for and granted."
  }
}

run "more_than_four_cores" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { cpu_millis = 4001, memory_mib = 100 }) }
    weights = { blue = 100 }
  }
  assert {
    condition     = aws_ecs_task_definition.predictor["blue"].cpu == "8192" && aws_ecs_task_definition.predictor["blue"].memory == "16384"
    error_message = "Want 8192 units and 16384 MiB, got ${jsonencode(output.granted)}."
  }
  assert {
    condition     = output.granted == { blue = { asked_cpu_millis = 4001, asked_memory_mib = 100, cpu_units = 8192, memory_mib = 16384 } }
    error_message = "The output does not say what was asked for and granted."
  }
}

run "steps_of_4_gib" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { cpu_millis = 8000, memory_mib = 16385 }) }
    weights = { blue = 100 }
  }
  assert {
    condition     = aws_ecs_task_definition.predictor["blue"].cpu == "8192" && aws_ecs_task_definition.predictor["blue"].memory == "20480"
    error_message = "Want 8192 units and 20480 MiB, got ${jsonencode(output.granted)}."
  }
  assert {
    condition     = output.granted == { blue = { asked_cpu_millis = 8000, asked_memory_mib = 16385, cpu_units = 8192, memory_mib = 20480 } }
    error_message = "The output does not say what was asked for and granted."
  }
}

run "steps_of_8_gib" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { cpu_millis = 8001, memory_mib = 32769 }) }
    weights = { blue = 100 }
  }
  assert {
    condition     = aws_ecs_task_definition.predictor["blue"].cpu == "16384" && aws_ecs_task_definition.predictor["blue"].memory == "40960"
    error_message = "Want 16384 units and 40960 MiB, got ${jsonencode(output.granted)}."
  }
  assert {
    condition     = output.granted == { blue = { asked_cpu_millis = 8001, asked_memory_mib = 32769, cpu_units = 16384, memory_mib = 40960 } }
    error_message = "The output does not say what was asked for and granted."
  }
}

run "the_largest" {
  command = plan
  variables {
    tracks  = { blue = merge(var.tracks["blue"], { cpu_millis = 16000, memory_mib = 122880 }) }
    weights = { blue = 100 }
  }
  assert {
    condition     = aws_ecs_task_definition.predictor["blue"].cpu == "16384" && aws_ecs_task_definition.predictor["blue"].memory == "122880"
    error_message = "Want 16384 units and 122880 MiB, got ${jsonencode(output.granted)}."
  }
  assert {
    condition     = output.granted == { blue = { asked_cpu_millis = 16000, asked_memory_mib = 122880, cpu_units = 16384, memory_mib = 122880 } }
    error_message = "The output does not say what was asked for and granted."
  }
}
