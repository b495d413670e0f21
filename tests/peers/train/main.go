// Command train takes rows from CSV to an evaluated model in the steps of a training, over a folder in place of a store, and says what each step took.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/warehouse"
	"github.com/loanops/loanops/tests/peers/rows"
)

func main() {
	generate := flag.Int("generate", 0, "write so many `rows` in place of reading")
	profile := flag.String("profile", "", "write a profile of the processors' time to `file`")
	flag.Parse()
	var err error
	if *generate > 0 {
		err = rows.Write(flag.Arg(0), *generate, true)
	} else {
		_, err = run(flag.Arg(0), *profile)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// specification is the pipeline of these rows, with the defaults of a logistic regression.
func specification() (pipeline.Spec, error) {
	var text strings.Builder
	text.WriteString("name: peers\nsource: {uri: rows.csv}\nlabel: {column: bad, positive: \"1\", negative: \"0\"}\nlimits: {max_rows: 100000000, max_bytes: 100000000000}\ncolumns:\n")
	for i := range 12 {
		fmt.Fprintf(&text, "  - {name: f%d, type: number, min: 0, max: 10000}\n", i)
	}
	for i := range 4 {
		fmt.Fprintf(&text, "  - {name: i%d, type: integer, min: 0}\n", i)
	}
	for i, domain := range rows.Categories {
		fmt.Fprintf(&text, "  - {name: c%d, type: category, domain: [\"%s\"]}\n", i, strings.Join(domain, `", "`))
	}
	return pipeline.Parse("peers.yaml", []byte(text.String()))
}

// run takes the file through the steps, to a bundle with that digest.
func run(path, profile string) (bundle string, err error) {
	folder, err := os.MkdirTemp("", "loanops-peers-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	spec, err := specification()
	if err != nil {
		return "", err
	}
	spec.Source.Relation = spec.Source.At(path)
	objects := filepath.Join(folder, "objects")
	if err := os.Mkdir(objects, 0o700); err != nil {
		return "", err
	}
	duck, err := warehouse.Open(filepath.Join(folder, "warehouse"))
	if err != nil {
		return "", err
	}
	if profile != "" {
		out, err := os.Create(profile)
		if err != nil {
			return "", err
		}
		defer out.Close()
		if err := pprof.StartCPUProfile(out); err != nil {
			return "", err
		}
		defer pprof.StopCPUProfile()
	}
	cache := activities.StepCache{Objects: artifact.Folder(objects)}
	began := time.Now()
	desk := activities.Desk{Cache: activities.StepCache{Objects: cache.Objects}, Warehouse: duck, Folder: filepath.Join(folder, "extractions"), Page: report.ProfileHTML}
	checked, err := desk.Check(context.Background(), spec, "", began)
	if err != nil {
		return "", err
	}
	if len(checked.Refused) > 0 {
		return "", fault.New(fault.Refused, "%s", strings.Join(checked.Refused, "\n"))
	}
	said := took("extract, validate, profile, split, look for leaks", began)
	training := activities.Training{Cache: cache}
	trained, err := training.Train(context.Background(), activities.TrainInput{
		Schema: checked.Artifacts[artifact.Schema], Algorithm: spec.Algorithm, Train: checked.Artifacts[artifact.Train], Validation: checked.Artifacts[artifact.Validation],
	})
	if err != nil {
		return "", err
	}
	said = took("train", said)
	evaluation := activities.Evaluation{Cache: cache, Page: report.EvaluationHTML}
	evaluated, err := evaluation.Evaluate(context.Background(), activities.EvaluateInput{
		Schema: checked.Artifacts[artifact.Schema], Bundle: trained.Bundle, Test: checked.Artifacts[artifact.Test],
	})
	if err != nil {
		return "", err
	}
	took("evaluate", said)
	took("all", began)
	fmt.Printf("%s\n%s\nmodel %.12s\n", trained.Summary(), evaluated.Summary(), trained.Bundle.SHA256)
	return trained.Bundle.SHA256, nil
}

// took says how long something took, and the most memory that the process had by then.
func took(what string, since time.Time) time.Time {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // it cannot fail for this process
	now := time.Now()
	fmt.Printf("%-50s %6.2f s; so far %6.2f s of processors, at most %5d MiB\n",
		what, now.Sub(since).Seconds(), float64(usage.Utime.Nano()+usage.Stime.Nano())/1e9, usage.Maxrss>>10)
	return now
}
