// record writes schema.json: what the AWS provider's schema says of the resources that the configurations here use.
//
// The provider itself is no Go module and too large to keep. Its schema is machine-made into the npm package @cdktf/provider-aws, which says
// in its package.json of which version of the provider; record reads it back out of that package's generated files.
//
//	npm pack @cdktf/provider-aws@21.22.1 && tar xzf cdktf-provider-aws-21.22.1.tgz
//	go run ./infra/environments/aws/stubprovider/record package > infra/environments/aws/stubprovider/schema.json
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
)

// resources and dataSources are what the configurations use.
var (
	resources = []string{
		"cloudwatch_log_group", "db_instance", "db_subnet_group", "ecr_repository", "ecs_cluster", "ecs_service", "ecs_task_definition", "iam_role",
		"iam_role_policy", "lb", "lb_listener", "lb_listener_rule", "lb_target_group", "s3_bucket", "s3_bucket_lifecycle_configuration",
		"s3_bucket_ownership_controls", "s3_bucket_policy", "s3_bucket_public_access_block", "s3_bucket_server_side_encryption_configuration",
		"s3_bucket_versioning", "security_group", "vpc_endpoint", "vpc_security_group_egress_rule", "vpc_security_group_ingress_rule",
	}
	dataSources = []string{"partition"}
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: record FOLDER, the unpacked package")
	}
	if err := record(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

// record prints the schema in the format of `terraform providers schema -json`, a line for each resource.
func record(dir string) error {
	var about struct {
		CDKTF struct {
			Provider struct {
				Name    string `json:"name"`
				Version string `json:"version"`
			} `json:"provider"`
		} `json:"cdktf"`
	}
	data, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &about); err != nil {
		return err
	}
	provider, err := read(dir, "provider")
	if err != nil {
		return err
	}
	delete(provider.Attributes, "alias") // Terraform's own
	fmt.Fprintf(os.Stderr, "%s %s\n", about.CDKTF.Provider.Name, about.CDKTF.Provider.Version)
	fmt.Printf("{\"format_version\":\"1.0\",\"provider_schemas\":{%q:{\n\"provider\":%s,\n", about.CDKTF.Provider.Name, schema(provider))
	if err := list("resource_schemas", dir, "", resources); err != nil {
		return err
	}
	fmt.Print(",\n")
	if err := list("data_source_schemas", dir, "data-aws-", dataSources); err != nil {
		return err
	}
	fmt.Print("\n}}}\n")
	return nil
}

func list(title, dir, prefix string, names []string) error {
	lines := make([]string, 0, len(names))
	for _, name := range names {
		read, err := read(dir, prefix+strings.ReplaceAll(name, "_", "-"))
		if err != nil {
			return err
		}
		for _, each := range alsoComputed {
			if attribute, ok := read.Attributes[each]; ok {
				attribute.Computed = true
			}
		}
		lines = append(lines, fmt.Sprintf("%q:%s", "aws_"+name, schema(read)))
	}
	fmt.Printf("%q:{\n%s\n}", title, strings.Join(lines, ",\n"))
	return nil
}

// alsoComputed are attributes that the provider fills where they are not set. The package does not tell these from other optional ones; it
// is known of the ones that every resource has.
var alsoComputed = []string{"id", "region", "tags_all"}

func schema(b *block) string {
	text, err := json.Marshal(map[string]any{"version": 0, "block": b})
	if err != nil {
		panic("record: " + err.Error())
	}
	return string(text)
}
