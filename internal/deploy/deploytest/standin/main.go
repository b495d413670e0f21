// Command standin is the stand-in for loanops-api as a program of its own, for images.
package main

import "github.com/loanops/loanops/internal/deploy/deploytest"

func main() { deploytest.Main() }
