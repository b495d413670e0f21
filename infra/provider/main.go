// terraform-provider-loanops is the Terraform provider of the local target. It turns predictor tracks and routes into
// calls of the deployment agent.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
)

// address is the provider's source. The host is explicit, so that Terraform never asks a public registry for it.
const address = "loanops.local/loanops/loanops"

func main() {
	debug := flag.Bool("debug", false, "wait for a debugger: print TF_REATTACH_PROVIDERS and serve one Terraform after another")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "terraform-provider-loanops %s serves %s to Terraform, which starts it by itself.\n\nFlags:\n", version, address)
		flag.PrintDefaults()
	}
	flag.Parse()
	if !*debug {
		go exitWithParent(os.Getppid())
	}
	err := providerserver.Serve(context.Background(), newProvider, providerserver.ServeOpts{Address: address, Debug: *debug})
	if err != nil {
		log.Fatal(err)
	}
}
