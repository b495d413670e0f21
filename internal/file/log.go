package file

import "os"

// maxLog is the size above which OpenLog puts a log aside.
const maxLog = 8 << 20

// OpenLog opens a program's log to append to it. One that has grown above 8 MiB is put aside as path.1 first, in place of the one put
// aside before, so that the logs of a program that is started again and again stay bounded.
func OpenLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}
