package sandbox

import (
	"encoding/json"
	"os"

	"github.com/loanops/loanops/internal/fault"
)

// The files that a supervisor, and the process that becomes the command, are given.
const (
	ordersFile = 3 // an order; for a supervisor it stays open as long as the command may run
	endsFile   = 4 // takes an end
)

// order is all that a supervisor needs to know.
type order struct {
	// Args is the command; without any everything is done but to start it.
	Args    []string
	Env     []string
	Scratch string
	// User is the command's own; 0 where it has none.
	User   uint32
	Limits Limits
	// CPU is how many seconds of a processor each process may take.
	CPU uint64
	// Loopback is for a network of its own: it leads to the command itself.
	Loopback bool
}

// end is how a command ended.
type end struct {
	Code   int
	Signal int    // that ended it; 0 where it ended by itself
	Wrong  string // why the command could not be started, or ended, where it is to blame
	Fault  string // why, where the machine is
	Left   int    // processes that it left running
}

func readOrder() (o order, from *os.File, err error) {
	from = os.NewFile(ordersFile, "order")
	if err := json.NewDecoder(from).Decode(&o); err != nil || o.Scratch == "" {
		return o, from, fault.New(fault.Invalid, "it is started by loanops-worker, not by people")
	}
	return o, from, nil
}
