package standin

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// ours begins the names of images that only other stand-ins are made of.
const ours = "loanops-standin/"

// published are the public images whose programs are Go modules: a repository of images, of which a release has the module's version as its tag.
var published = []struct {
	repository, v, module string
	// programs are packages by the name that the program has in the image, files what else of the module is in it.
	programs map[string]string
	files    []string
}{
	{"temporalio/server", "", "go.temporal.io/server", map[string]string{"temporal-server": "go.temporal.io/server/cmd/server"}, []string{"docker/scripts/sh/entrypoint.sh"}},
	{"temporalio/admin-tools", "", "go.temporal.io/server", map[string]string{"temporal-sql-tool": "go.temporal.io/server/cmd/tools/sql", "temporal": "./temporal"}, []string{"schema"}},
	{"temporalio/ui", "", "github.com/temporalio/ui-server/v2", map[string]string{"ui-server": "github.com/temporalio/ui-server/v2/cmd/server"}, []string{"docker/start-ui-server.sh", "config/docker.yaml"}},
	{"versity/versitygw", "v", "github.com/versity/versitygw", map[string]string{"versitygw": "github.com/versity/versitygw/cmd/versitygw"}, []string{"docker-entrypoint.sh"}},
	{"distribution/distribution", "", "github.com/distribution/distribution/v3", map[string]string{"registry": "github.com/distribution/distribution/v3/cmd/registry"}, []string{"cmd/registry/config-dev.yml"}},
}

// images are the stand-ins of a repository, in the order in which they are made.
func (m Maker) images() ([]image, error) {
	all := []image{
		{name: "golang:1.26-bookworm", folder: "golang", say: "this machine's Go", give: m.golang, args: []string{"GOPROXY", "GOSUMDB"}},
		{name: "hashicorp/terraform:1.11.4", folder: "terraform", say: "this machine's Terraform", give: m.terraform},
		{name: ours + "small", folder: "small", say: "what Alpine is to those that follow"},
		{name: "postgres:16-bookworm", folder: "postgres", say: "PostgreSQL 15, which is Debian's"},
		{name: "haproxy:3.2-alpine", folder: "haproxy", say: "HAProxy 2.6, which is Debian's"},
	}
	file := filepath.Join(m.programs(), "go.mod")
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	required, err := modfile.Parse(file, content, nil)
	if err != nil {
		return nil, err
	}
	for _, p := range published {
		version := ""
		for _, r := range required.Require {
			if r.Mod.Path == p.module {
				version = r.Mod.Version
			}
		}
		folder := filepath.Base(p.repository)
		if strings.HasPrefix(p.repository, "temporalio/") {
			folder = "temporal-" + folder
		}
		all = append(all, image{
			name: p.repository + ":" + p.v + strings.TrimPrefix(version, "v"), folder: folder, say: p.module + " " + version,
			of: []string{string(content)}, give: m.built(p.module, p.programs, p.files),
		})
	}
	return all, nil
}

func (m Maker) programs() string { return filepath.Join(m.Repository, "tests", "compose", "programs") }
