# Fargate sells certain sizes of tasks only. A track gets the smallest CPU that has what it asks for, and there the smallest memory.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html

locals {
  # MiB by CPU units, 1024 of which are a core.
  fargate_memory = {
    "256"   = [512, 1024, 2048]
    "512"   = range(1024, 4096 + 1, 1024)
    "1024"  = range(2048, 8192 + 1, 1024)
    "2048"  = range(4096, 16384 + 1, 1024)
    "4096"  = range(8192, 30720 + 1, 1024)
    "8192"  = range(16384, 61440 + 1, 4096)
    "16384" = range(32768, 122880 + 1, 8192)
  }
  sizes = flatten([
    for cpu in [256, 512, 1024, 2048, 4096, 8192, 16384] : [
      for memory in local.fargate_memory[tostring(cpu)] : { cpu = cpu, memory = memory }
    ]
  ])
  granted = {
    for slot, track in var.tracks : slot => [
      for size in local.sizes : size if size.cpu * 1000 >= track.cpu_millis * 1024 && size.memory >= track.memory_mib
    ][0]
  }
}
