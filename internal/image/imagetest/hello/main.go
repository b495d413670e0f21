// Command hello is a program for tests of images: it says with what it was started. Built with cgo it needs shared libraries, without it none.
package main

import (
	"fmt"
	"os"
	_ "os/user" // by the C library, where there is one
	"strings"
)

func main() {
	fmt.Println("hello", strings.Join(os.Args[1:], " "))
}
