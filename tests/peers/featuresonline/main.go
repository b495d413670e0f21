// Command featuresonline is LoanOps' side of the comparison of online stores: it makes what is held of applicants, and asks a server for it from many callers at once, LoanOps' or
// Feast's, for both take the same question.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	var l load
	entities := flag.Int("generate", 0, "make a folder with what is held of so many `applicants` in place of asking")
	flag.StringVar(&l.url, "url", "", "the server's `base URL`")
	flag.StringVar(&l.key, "key", "", "the `key` for the server")
	flag.BoolVar(&l.events, "events", false, "post events in place of asking for features")
	flag.IntVar(&l.callers, "callers", 64, "how many callers there are at once")
	flag.DurationVar(&l.lasting, "for", 10*time.Second, "how long they go on")
	flag.Parse()
	var err error
	if *entities > 0 {
		err = generate(context.Background(), flag.Arg(0), *entities)
	} else {
		err = measure(flag.Arg(0), l)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// measure prints what a load came to as JSON.
func measure(folder string, l load) error {
	h, err := readHeld(folder)
	if err != nil {
		return err
	}
	l.held, l.begin = h, h.begins()
	found, err := l.run()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}
