// Package sandbox runs commands that come with a commit: programs that nobody here has read. What one does wrong, by mistake or on purpose, is to hurt its own
// run alone.
//
// A command runs below a supervisor, which is this program again (see Supervise). All processes that come of it are its descendants, however they detach
// themselves; when the command ends, is ended, or the worker dies, it ends them all and removes the scratch folder. What is enforced, and what is not, is in
// docs/runbook.md, "Commands of repositories"; nothing more is to be relied on.
package sandbox

import (
	"fmt"
	"time"
)

// Job is the first argument with which the program that has a Sandbox must call Supervise.
const Job = "sandbox"

// Limits bound one command. Each is checked by the kernel or by a look once in a while, as it says.
type Limits struct {
	// Processes bounds the processes and threads of the command's user. Defaults to 512.
	Processes uint64
	// Address is the address space of one process, in bytes. Defaults to 16 GiB: Go and its linker map more than they use.
	Address uint64
	// File is the size of one file, in bytes. Defaults to 2 GiB.
	File uint64
	// Open is how many files one process has open. Defaults to 1024.
	Open uint64
	// Memory is what all processes have in memory, in bytes; looked at every Look. Defaults to 6 GiB.
	Memory int64
	// Scratch is what the scratch folder holds on disk, in bytes; looked at every Look. Defaults to 4 GiB.
	Scratch int64
	// Entries are the files and folders in the scratch folder. Defaults to 500,000.
	Entries int64
	// Printed is how many bytes the command may print before it is ended. Defaults to 64 MiB.
	Printed int64
	// Look is the time between two looks at Memory, Scratch and Entries. Defaults to 1 s.
	Look time.Duration
}

// maxDepth is how deep folders may lie in the scratch folder.
const maxDepth = 100

func (l Limits) withDefaults() Limits {
	fill(&l.Processes, 512)
	fill(&l.Address, 16<<30)
	fill(&l.File, 2<<30)
	fill(&l.Open, 1024)
	fill(&l.Memory, 6<<30)
	fill(&l.Scratch, 4<<30)
	fill(&l.Entries, 500_000)
	fill(&l.Printed, 64<<20)
	fill(&l.Look, time.Second)
	return l
}

func fill[T comparable](field *T, usual T) {
	var zero T
	if *field == zero {
		*field = usual
	}
}

// Config says where and as whom commands run.
type Config struct {
	// Dir is the folder that scratch folders are made in. Every user must be able to enter it. Defaults to the system's folder for temporary files.
	Dir string
	// Users are the user IDs of which each command has one for itself, where this process is root.
	Users Users
	// SameUser allows commands where this process is not root: they run as its user, and read what it may read.
	SameUser bool
	// Network leaves commands in the machine's network. Without it, and as root, they have one of their own that leads nowhere.
	Network bool
	// Environment are the variables, NAME=value, that commands have besides HOME, TMPDIR, LANG and CI.
	Environment []string
	Limits      Limits
}

// Command is what to run.
type Command struct {
	// Args are the program and its arguments. The program is looked for in PATH, or, with a slash, from the folder of the files.
	Args []string
	// Unpack writes the files into the folder in which the command runs.
	Unpack func(dir string) error
	// Timeout is how long it may take.
	Timeout time.Duration
	// Output is how many bytes of what it prints are kept: one half from its beginning, the other from its end.
	Output int64
}

// Result is how a command ended.
type Result struct {
	// Lines are what it printed, standard output and error as they came, made printable.
	Lines []string
	// Why says in what way it failed; empty where it ended with 0.
	Why string
}

// said is a size for people.
func said(bytes int64) string {
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if bytes >= unit.bytes && bytes%unit.bytes == 0 {
			return fmt.Sprintf("%d %s", bytes/unit.bytes, unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", bytes)
}
