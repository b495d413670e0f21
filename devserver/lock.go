package main

import (
	"fmt"

	"github.com/gofrs/flock"
)

// lock takes the file for this process: one server uses one database. The system frees it when the process ends, however it
// ends.
func lock(path string) (unlock func(), err error) {
	held := flock.New(path)
	free, err := held.TryLock()
	if err != nil {
		return nil, err
	}
	if !free {
		return nil, fmt.Errorf("%s is locked: another loanops-devserver uses this database", path)
	}
	return func() { _ = held.Close() }, nil
}
