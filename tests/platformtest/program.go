package platformtest

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

var started = time.Now()

// Say tells whoever waits for a program of tests how far it is.
func Say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1f s  %s\n", time.Since(started).Seconds(), strings.TrimSpace(fmt.Sprintf(format, args...)))
}

// WriteRows writes the rows of such a program's table as JSON.
func WriteRows[Row any](file string, rows []Row) error {
	data, err := json.MarshalIndent(rows, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o600)
}
