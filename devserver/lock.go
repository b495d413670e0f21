package main

import (
	"fmt"
	"os"
	"syscall"
)

// lock takes the file for this process: one server uses one database. The system frees it when the process ends, however it
// ends.
func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s is locked: another loanops-devserver uses this database", path)
	}
	return func() { file.Close() }, nil
}
