package main

import (
	"os"
	"time"
)

// exitWithParent ends this process soon after its parent is gone. Terraform that is killed cannot stop its plugins; one
// that lived on would hold memory for ever and could finish a write that nobody knows of. The next apply repeats the write.
func exitWithParent(parent int) {
	for range time.Tick(500 * time.Millisecond) {
		if os.Getppid() != parent {
			os.Exit(1)
		}
	}
}
