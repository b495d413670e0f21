package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/settings"
)

// packing is what `loanops package` is asked for.
type packing struct {
	*app
	to, files string
	push      bool
	names     []string
}

// packedImage is what it made.
type packedImage struct {
	// Reference is repository@sha256:…, the same in every registry.
	Reference string `json:"reference"`
	// Bytes are those of all layers, compressed.
	Bytes int64 `json:"bytes"`
	// Build is the LOANOPS_BUILD_ID of workers that run the image; empty of one that is no worker's.
	Build string `json:"build_id,omitempty"`
	// SBOM is the digest of the artifact that lists what the image is made of.
	SBOM string `json:"sbom"`
}

func (a *app) packageCommand() *cobra.Command {
	p := &packing{app: a}
	c := &cobra.Command{
		Use: "package", Short: "Pack this project's programs as OCI images, without a container daemon", Args: between(0, 0),
		Long: `package makes the images of loanops-api and loanops (the static programs alone) and of
loanops-worker (with Terraform, its provider and the shared libraries of this machine), each with a
bill of materials. It prints a line for each image: its reference, which is the same in every
registry, and its size; of the worker's also the build that its workers are to say they are of,
which is the image's digest.

The same programs give the same images; that of the worker depends on this machine's libraries and
its Terraform as well.`,
		Example: "  loanops package --to images\n  loanops package --image loanops-api --push",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.run(c.Context())
		},
	}
	c.Flags().StringVar(&p.to, "to", "", "new `folder` for the images, as an OCI image layout")
	c.Flags().StringVar(&p.files, "files", "", "new `folder` for the files of the images; owners need root")
	c.Flags().BoolVar(&p.push, "push", false, "push them to LOANOPS_REGISTRY, or to the platform of --state")
	c.Flags().StringSliceVar(&p.names, "image", image.Repositories(), "which images")
	return c
}

func (p *packing) run(ctx context.Context) error {
	s, err := settings.PackageFromState(p.state)
	if err != nil {
		return err
	}
	if p.push && s.Registry == "" {
		return fault.New(fault.Invalid, "--push: no registry is known; set LOANOPS_REGISTRY, or start a platform with `loanops up --state %s`", p.state)
	}
	var programs []image.Program
	for _, name := range p.names {
		made, err := packProgram(name, s)
		if err != nil {
			return err
		}
		programs = append(programs, made)
	}
	if p.to != "" {
		if err := image.WriteLayout(p.to, programs...); err != nil {
			return err
		}
	}
	if p.files != "" {
		if err := image.WriteFiles(p.files, programs...); err != nil {
			return err
		}
	}
	var all []packedImage
	for _, made := range programs {
		described, err := describeImage(made)
		if err != nil {
			return err
		}
		if p.push {
			if _, err := image.RegistryOf(s).Push(ctx, made.Repository, made.Image, made.SBOM); err != nil {
				return err
			}
		}
		all = append(all, described)
	}
	return p.print(map[string]any{"images": all}, func() {
		for _, one := range all {
			fmt.Fprintf(p.out, "%s  %.1f MiB", one.Reference, float64(one.Bytes)/(1<<20))
			if one.Build != "" {
				fmt.Fprintf(p.out, "  LOANOPS_BUILD_ID=%s", one.Build)
			}
			fmt.Fprintln(p.out)
		}
	})
}

func packProgram(name string, s settings.Settings) (image.Program, error) {
	program := func(name string) string { return filepath.Join(s.BinDir, name) }
	switch name {
	case image.PredictorRepository:
		return image.Predictor(program("loanops-api"))
	case image.WorkerRepository:
		if s.Terraform == "" {
			return image.Program{}, fault.New(fault.NotFound, "neither terraform nor tofu is on PATH: the image of the worker has it")
		}
		return image.Worker(image.WorkerFiles{
			Worker: program("loanops-worker"), Provider: program("terraform-provider-loanops"), API: program("loanops-api"), Terraform: s.Terraform,
		})
	case image.OperatorRepository:
		return image.Operator(program("loanops"))
	default:
		return image.Program{}, fault.New(fault.Invalid, "there is no image %q; the images are %s", name, strings.Join(image.Repositories(), ", "))
	}
}

func describeImage(made image.Program) (packedImage, error) {
	digest, err := made.Image.Digest()
	if err != nil {
		return packedImage{}, err
	}
	list, err := made.SBOM.Digest()
	if err != nil {
		return packedImage{}, err
	}
	manifest, err := made.Image.Manifest()
	if err != nil {
		return packedImage{}, err
	}
	described := packedImage{Reference: made.Repository + "@" + digest.String(), SBOM: list.String()}
	if made.Repository == image.WorkerRepository {
		described.Build = digest.Hex
	}
	for _, layer := range manifest.Layers {
		described.Bytes += layer.Size
	}
	return described, nil
}
