// Command errorrates simulates canaries under the shipped spec and writes docs/error-rates.md: how often a good challenger is aborted, and how often a
// bad one is found in time.
package main

import (
	"flag"
	"fmt"
	"os"
	"sync"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/pipelines"
)

// shippedCanaries is how many canaries of a kind the table in docs rests on.
const shippedCanaries = 1000

func main() {
	out := flag.String("out", "docs/error-rates.md", "the file to write")
	canaries := flag.Int("canaries", shippedCanaries, "how many canaries of each kind to simulate")
	flag.Parse()
	if err := write(*out, *canaries); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(out string, canaries int) error {
	cfg := shipped().Deploy.Canary
	return os.WriteFile(out, []byte(document(cfg, simulate(cfg, canaries, volumes), beside(cfg, canaries), canaries)), 0o644)
}

// shipped is the spec that comes with the product, without synthetic requests.
var shipped = sync.OnceValue(func() pipeline.Spec {
	spec := asShipped()
	spec.Deploy.Canary.Rate = 0
	return spec
})

// syntheticRate is its synthetic requests per second.
func syntheticRate() float64 { return asShipped().Deploy.Canary.Rate }

func asShipped() pipeline.Spec {
	const name = "loan-eligibility.yaml"
	text, err := pipelines.FS.ReadFile(name)
	if err != nil {
		panic(err)
	}
	spec, err := pipeline.Parse(name, text)
	if err != nil {
		panic(err)
	}
	return spec
}
