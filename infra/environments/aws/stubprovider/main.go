// terraform-provider-aws, for tests: it says what the AWS provider's resources look like and does nothing. With it `terraform validate` and
// mocked `terraform test` run without the network and without the real provider.
package main

import (
	"log"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

func main() {
	schema, err := recorded()
	if err != nil {
		log.Fatal(err)
	}
	if err := tf6server.Serve(address, func() tfprotov6.ProviderServer { return stub{schema: schema} }); err != nil {
		log.Fatal(err)
	}
}
