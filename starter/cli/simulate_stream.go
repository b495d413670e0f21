package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
)

// streamed is what was written of a stream.
type streamed struct {
	Folder       string `json:"folder"`
	Drill        string `json:"drill"`
	DrillFrom    string `json:"drill_from,omitempty"`
	Applications feed   `json:"applications"`
	Outcomes     feed   `json:"outcomes"`
	Bureau       *feed  `json:"bureau,omitempty"`
	Payments     *feed  `json:"payments,omitempty"`
}

// feed counts one feed's parts and their rows.
type feed struct {
	Parts int `json:"parts"`
	Rows  int `json:"rows"`

	names map[string]bool
}

// simulateStream writes a stream's parts. What lies in their folders from before and is none of them would be read as if it were: it is told of.
func (a *app) simulateStream(ctx context.Context, s simulation, stream simulate.Stream) error {
	written := streamed{Folder: s.folder, Drill: s.drill, DrillFrom: s.drillFrom}
	feeds := map[string]*feed{simulate.Applications: &written.Applications, simulate.Outcomes: &written.Outcomes}
	for _, name := range s.feeds {
		further := &feed{}
		switch feeds[name] = further; name {
		case simulate.Bureau:
			written.Bureau = further
		case simulate.Payments:
			written.Payments = further
		default:
			return fault.New(fault.Invalid, "--feed is %q; %s is wanted", name, strings.Join(simulate.Feeds, " or "))
		}
	}
	for name, f := range feeds {
		f.names = map[string]bool{}
		if err := os.MkdirAll(filepath.Join(s.folder, name), 0o755); err != nil {
			return fault.Wrap(fault.Invalid, err, "--stream")
		}
	}
	err := stream.Each(ctx, func(of string, day time.Time, part dataset.Table) error {
		name := day.Format(pipeline.DateLayout) + "." + s.format
		f := feeds[of]
		f.Parts++
		f.Rows += part.Rows()
		f.names[name] = true
		return writeTable(filepath.Join(s.folder, of, name), part)
	})
	if err != nil {
		return err
	}
	for _, name := range sortedKeys(feeds) {
		if err := feeds[name].alone(filepath.Join(s.folder, name)); err != nil {
			return err
		}
	}
	return a.print(written, func() {
		fmt.Fprintf(a.out, "%s: %d applications in %d parts, %d outcomes in %d parts; drill %s %s\n", s.folder, written.Applications.Rows, written.Applications.Parts,
			written.Outcomes.Rows, written.Outcomes.Parts, s.drill, s.drillFrom)
		for _, name := range s.feeds {
			fmt.Fprintf(a.out, "%s: %d rows in %d parts\n", name, feeds[name].Rows, feeds[name].Parts)
		}
	})
}

// alone refuses a folder that holds more than the feed's parts.
func (f *feed) alone(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "--stream")
	}
	others := 0
	for _, entry := range entries {
		if !f.names[entry.Name()] {
			others++
		}
	}
	if others > 0 {
		return fault.New(fault.Invalid, "%s: the stream is written, beside %d files that are no part of it and would be read with it; remove the folder and write it again", folder, others)
	}
	return nil
}
