package main

// edgeCases break the rules about who imports whom.
func edgeCases() []ruleCase {
	const registry = "adapters/attestation/registry"
	return []ruleCase{
		edge("domain-imports", "domain/x", "os", "strings"),
		edge("domain-imports", "domain/x", "crypto/rand", "crypto/sha256"),
		edge("domain-imports", "domain/x", "google.golang.org/protobuf/proto", "test:github.com/transparency-dev/merkle"),
		edge("layer-order", "domain/x", "./ports", "./domain/clean"),
		edge("layer-order", "domain/x", "test:./adapters/etcd", "test:./domain/clean"),
		edge("layer-order", "ports", "./adapters/etcd", "./domain/clean"),
		edge("layer-order", "ports", "test:./apps/kms", "test:./ports/porttest"),
		edge("layer-order", "adapters/etcd", "./apps/internal/config", "./ports"),
		edge("layer-order", "adapters/etcd", "./tools/x", "./domain/clean"),
		edge("layer-order", "adapters/etcd", "./usecases/x", "./ports"),
		edge("layer-order", "adapters/etcd", "test:./usecases/x", "test:./ports/porttest"),
		edge("layer-order", "usecases/x", "test:./adapters/etcd", "test:./ports/porttest"),
		edge("layer-order", "usecases/x", "./apps/kms", "./usecases/y"),
		edge("layer-order", "apps/kms", "./e2e", "./adapters/etcd"),
		edge("layer-order", "apps/kms", "./image", "./ports"),
		edge("layer-order", "image", "./e2e", "./apps/node/nodeapp"),
		edge("layer-order", "tools/x", "./e2e", "./image"),
		edge("ports-imports", "ports", "go.etcd.io/etcd/client/v3", "context"),
		edge("ports-imports", "ports", "github.com/google/go-cmp/cmp", "./domain/clean"),
		edge("ports-imports", "ports/porttest", "github.com/spf13/cobra", "pgregory.net/rapid"),
		edge("ports-imports", "ports/porttest", "github.com/google/go-querystring", "github.com/google/go-cmp/cmp"),
		edge("ports-imports", "ports/porttest", "github.com/stretchr/objx", "github.com/stretchr/testify/require"),
		edge("ports-imports", "ports/porttest", "github.com/rogpeppe/fastuuid", "github.com/rogpeppe/go-internal/testscript"),
		edge("usecases-imports", "usecases/x", "go.uber.org/zap", "log/slog"),
		edge("usecases-imports", "usecases/x", "github.com/google/uuid", "test:pgregory.net/rapid"),
		edge("adapters-imports", "adapters/etcd", "./adapters/kms", "./adapters/etcd/lease"),
		edge("adapters-imports", "adapters/attestedtls", "./adapters/attestation/tpm", "test:./adapters/attestation/tpm"),
		edge("adapters-imports", "adapters/rpc/join", "./adapters/etcd", "./adapters/rpc/wire"),
		edge("attestation-order", "adapters/attestation/tpm", "./adapters/attestation/platform/qemu", "./adapters/attestation/tpm/eventlog"),
		edge("attestation-order", "adapters/attestation/tpm", "./adapters/attestation/snp", "./adapters/attestation/internal/der"),
		edge("attestation-order", "adapters/attestation/certs", "./adapters/attestation/tpm", "./adapters/attestation/internal/der"),
		edge("attestation-order", "adapters/attestation/tdx", "./"+registry, "test:./"+registry),
		edge("attestation-order", "adapters/attestation/platform/azuresnp", "./"+registry, "./adapters/attestation/snp"),
		edge("apps-imports", "apps/kms/kmsapp", "./apps/joinservice/joinserviceapp", "./apps/internal/config"),
		edge("apps-imports", "apps/internal/config", "./apps/kms/kmsapp", "./apps/internal/flags"),
		edge("devdefaults", "apps/kms/kmsapp", "./apps/internal/devdefaults", "test:./apps/internal/devdefaults"),
		edge("library-homes", "adapters/attestedtls", "github.com/google/go-tpm/tpm2", "test:github.com/google/go-tpm/tpm2"),
		edge("library-homes", "adapters/policyfile", "github.com/google/go-tpm-tools/proto/attest", "github.com/google/go-cmp/cmp"),
		edge("library-homes", "apps/asterism/asterismapp", "github.com/google/go-eventlog/tcg", "google.golang.org/grpc/credentials"),
		edge("library-homes", "adapters/attestation/tpm", "google.golang.org/grpc", "github.com/google/go-tpm/tpm2/transport"),
		edge("library-homes", "adapters/folder", "google.golang.org/grpc/codes", "google.golang.org/protobuf/proto"),
		edge("library-homes", "adapters/kubernetes", "go.etcd.io/etcd/client/v3", "test:go.etcd.io/etcd/client/v3"),
		edge("library-homes", "apps/kms/kmsapp", "go.etcd.io/etcd/server/v3/embed", "./adapters/etcd/member"),
		edge("library-homes", "tools/x", "github.com/google/go-sev-guest/abi", "github.com/google/go-sev-guestbook"),
		edge("library-homes", "apps/kms/kmsapp", "github.com/google/go-tdx-guest/abi", "google.golang.org/grpc"),
		edge("fx-only-in-apps", "adapters/etcd", "go.uber.org/fx", "go.uber.org/zap"),
		edge("fx-only-in-apps", "tools/x", "go.uber.org/dig", "go.uber.org/digest"),
		edge("porttest-in-tests", "usecases/x", "./ports/porttest/memstore", "test:./ports/porttest/memstore"),
		edge("porttest-in-tests", "adapters/etcd", "./ports/porttest", "./ports"),
		edge("no-testing-in-production", "adapters/etcd", "testing", "test:testing"),
		edge("no-testing-in-production", "apps/kms/kmsapp", "pgregory.net/rapid", "github.com/google/go-cmp/cmp"),
	}
}

// treeCases break the rules that need more than one edge.
func treeCases() []ruleCase {
	nothing := func(*house) {}
	return []ruleCase{
		{
			rule: "adapters-imports", name: "files of no technology",
			broken: func(h *house) { h.add("adapters", "adapters") },
			twin:   func(h *house) { h.add("adapters/etcd", "etcd") },
		},
		{
			rule: "devdefaults", name: "a main that is not a single program's",
			broken: func(h *house) { h.add("apps/kms/tool", "main", "./apps/internal/devdefaults") },
			twin: func(h *house) {
				h.add("apps/kms", "main", "./apps/internal/devdefaults")
				h.add("apps/asterism/asterismapp", "asterismapp", "./apps/internal/devdefaults", "./apps/kms/kmsapp")
			},
		},
		{
			rule: "node-release", name: "through another program",
			broken: func(h *house) {
				h.add("apps/node", "main", "./apps/asterism/asterismapp")
				h.add("apps/asterism/asterismapp", "asterismapp", "./apps/internal/devdefaults/tpm")
				h.add("apps/internal/devdefaults/tpm", "tpm")
			},
			twin: func(h *house) {
				h.add("apps/node", "main", "./apps/kms/kmsapp")
				h.add("apps/kms/kmsapp", "kmsapp", "./adapters/attestation/platform/qemu")
			},
		},
		{
			rule: "node-release", name: "process platform",
			broken: func(h *house) { h.add("apps/node", "main", "./adapters/attestation/platform/processtpm") },
			twin:   func(h *house) { h.add("apps/node", "main", "test:./adapters/attestation/platform/processtpm") },
		},
		{
			rule: "node-release", name: "process platform through the registry",
			broken: func(h *house) {
				h.add("apps/node/nodeapp", "nodeapp", "./adapters/attestation/registry")
				h.add("adapters/attestation/registry", "registry", "./adapters/attestation/platform/process")
				h.add("adapters/attestation/platform/process", "process")
			},
			twin: func(h *house) {
				h.add("apps/node/nodeapp", "nodeapp", "./adapters/attestation/registry")
				h.add("adapters/attestation/registry", "registry", "./adapters/attestation/platform/qemu")
				h.add("adapters/attestation/platform/qemu", "qemu")
				h.add("apps/asterism/asterismapp", "asterismapp", "./adapters/attestation/platform/process")
			},
		},
		{
			rule: "node-release", name: "software TPM",
			broken: func(h *house) {
				h.add("apps/node/nodeapp", "nodeapp", "./adapters/attestation/platform/tpm")
				h.add("adapters/attestation/platform/tpm", "tpm", "./adapters/attestation/tpm/swtpm")
			},
			twin: func(h *house) {
				h.add("apps/node/nodeapp", "nodeapp", "./adapters/attestation/platform/tpm")
				h.add("adapters/attestation/platform/tpm", "tpm", "test:./adapters/attestation/tpm/swtpm")
				h.add("apps/kms", "main", "./adapters/attestation/tpm/swtpm")
			},
		},
		{
			rule: "no-testing-in-production", name: "a package for tests",
			broken: func(h *house) { h.add("adapters/etcd/fakes", "fakes", "testing") },
			twin:   func(h *house) { h.add("adapters/etcd/etcdtest", "etcdtest", "testing") },
		},
		{
			rule: "floor", name: "too few packages",
			broken: func(h *house) { h.tree.minPackages = 3 },
			twin:   func(h *house) { h.tree.minPackages = 3; h.add("apps/kms", "main") },
		},
		{
			rule: "floor", name: "a layer is missing",
			broken: func(h *house) { h.tree.minPackages = 1; h.tree.packages = h.tree.packages[:1] },
			twin:   nothing,
		},
		{
			rule: "unknown-folder", name: "pkg",
			broken: func(h *house) { h.add("pkg/x", "x") },
			twin:   func(h *house) { h.add("tools/x", "main") },
		},
		{
			rule: "unseen-package", name: "hidden by build constraints",
			broken: func(h *house) { h.tree.goFolders = []string{"domain/clean", "adapters/hidden"} },
			twin:   func(h *house) { h.tree.goFolders = []string{"domain/clean"} },
		},
		{
			rule: "public-visibility", name: "outside domain",
			broken: func(h *house) {
				h.build("docs/BUILD.bazel", "exports_files([\"x\"], visibility = [\"//visibility:public\"])\n")
			},
			twin: func(h *house) {
				h.build("docs/BUILD.bazel", "# never \"//visibility:public\"\nx(name = \"a#b\") # nor //visibility:public\n")
				h.build("domain/x/BUILD.bazel", "x(visibility = [\"//visibility:public\"])\n")
			},
		},
		{
			rule: "missing-build-file", name: "a package without one",
			broken: func(h *house) { h.tree.packages = append(h.tree.packages, &pkg{rel: "apps/kms", name: "main"}) },
			twin: func(h *house) {
				h.tree.packages = append(h.tree.packages, &pkg{rel: "apps/kms", name: "main"})
				h.build("apps/kms/BUILD", "")
			},
		},
		{
			rule: "no-visibility", name: "one of two libraries",
			broken: func(h *house) {
				h.build("image/BUILD.bazel", "go_library(\n    name = \"a\",\n    visibility = [\"//e2e:__subpackages__\"],\n)\n\ngo_library(\n    name = \"b\",\n)\n")
			},
			twin: func(h *house) {
				h.build("image/BUILD.bazel", "go_library(\n    name = \"a\",\n    visibility = [\"//e2e:__subpackages__\"],\n)\n\ngo_test(\n    name = \"b\",\n)\n")
			},
		},
	}
}
