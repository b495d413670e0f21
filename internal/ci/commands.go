package ci

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/pipeline"
)

// Command is one of the repository's own. Whether any is run is for the worker's settings to say.
type Command struct {
	Name string
	// Run is the program and its arguments. No shell looks at them.
	Run  []string
	Step Step // one of CommandSteps
	// Timeout is how long it may take, Output how many bytes of what it prints are kept.
	Timeout time.Duration
	Output  int64
}

// CommandTime is what the timeouts of the commands of one step may add up to: they are run one after another, in one try of the step.
const CommandTime = 100 * time.Minute

// CommandOutput is how many bytes of output the commands of one step may keep together: they are one log, which a worker has in memory as a whole.
const CommandOutput = 32 << 20

// The limits of commands.
const (
	maxCommands     = 20
	maxArguments    = 100
	usualTimeout    = CommandTime / maxCommands
	maxTimeout      = time.Hour
	usualOutputKiB  = 1024
	maxOutputKiB    = 16 * 1024
	maxArgumentSize = 4096
)

// command is one in ci.yaml.
type command struct {
	Name    string   `yaml:"name"`
	Run     []string `yaml:"run"`
	Step    string   `yaml:"step"`
	Timeout string   `yaml:"timeout"`
	Output  int      `yaml:"output"`
}

var commandName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)

// commands are those of ci.yaml, defaults filled in. Mistakes are noted in its document.
func commands(read []command, d *pipeline.Document) (all []Command) {
	if len(read) > maxCommands {
		d.Wrong("commands", "%d commands; at most %d are run", len(read), maxCommands)
	}
	for i, c := range read {
		at := index("commands", i)
		command := Command{Name: c.Name, Run: c.Run, Step: RunCommands, Timeout: usualTimeout, Output: usualOutputKiB << 10}
		switch same := func(other Command) bool { return other.Name == c.Name }; {
		case !commandName.MatchString(c.Name):
			d.Wrong(at+".name", "name is %q; 1 to 40 lower-case letters, digits, dashes and underscores are wanted", short(c.Name))
		case slices.ContainsFunc(all, same):
			d.Wrong(at+".name", "name %q stands twice; the logs are told apart by it", c.Name)
		}
		if len(c.Run) == 0 || len(c.Run) > maxArguments || c.Run[0] == "" || slices.ContainsFunc(c.Run, func(arg string) bool { return len(arg) > maxArgumentSize }) {
			d.Wrong(at+".run", "run is no command; a list of a program and its arguments is wanted, such as [go, vet, ./...]: at most %d, of %d bytes each", maxArguments, maxArgumentSize)
		}
		if d.Has(at + ".step") {
			command.Step = Step(c.Step)
			if !command.Step.HasCommands() {
				d.Wrong(at+".step", "step is %q; %s, %s or %s is wanted", short(c.Step), CommandSteps[0], CommandSteps[1], CommandSteps[2])
			}
		}
		if d.Has(at + ".timeout") {
			timeout, err := time.ParseDuration(c.Timeout)
			if err != nil || timeout < time.Second || timeout > maxTimeout {
				d.Wrong(at+".timeout", "timeout is %q; 1s to 1h is wanted, such as 90s or 10m", short(c.Timeout))
			} else {
				command.Timeout = timeout
			}
		}
		if d.Has(at + ".output") {
			if c.Output < 1 || c.Output > maxOutputKiB {
				d.Wrong(at+".output", "output is %d; 1 to %d KiB are wanted", c.Output, maxOutputKiB)
			} else {
				command.Output = int64(c.Output) << 10
			}
		}
		all = append(all, command)
	}
	checkTime(all, d)
	checkOutput(all, d)
	return all
}

// checkTime notes the first command of each step with which its commands may take longer than the step has.
func checkTime(all []Command, d *pipeline.Document) {
	for _, step := range CommandSteps {
		together := time.Duration(0)
		for i, c := range all {
			if c.Step != step {
				continue
			}
			if together += c.Timeout; together > CommandTime {
				d.Wrong(index("commands", i)+".timeout", "the commands of %s may take %s together; %s at most is wanted in one step, where each may take %s or its timeout", step, together, CommandTime, usualTimeout)
				break
			}
		}
	}
}

// checkOutput notes the first command of each step with which its commands may keep more output than the step's log has room for.
func checkOutput(all []Command, d *pipeline.Document) {
	for _, step := range CommandSteps {
		together := int64(0)
		for i, c := range all {
			if c.Step != step {
				continue
			}
			if together += c.Output; together > CommandOutput {
				d.Wrong(index("commands", i)+".output", "the commands of %s may keep %d KiB of output together; %d KiB at most are wanted in one step, where each keeps %d or its output", step, together>>10, CommandOutput>>10, usualOutputKiB)
				break
			}
		}
	}
}

// index is the path of an item of a list.
func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// short keeps a message short whatever a file holds.
func short(text string) string { return Cut(text, 40) }

// Cut is the beginning of a text, of at most so many bytes to the end of a letter; a longer one ends with "…".
func Cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
