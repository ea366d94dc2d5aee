package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// loadTree reads the module that dir is in.
func loadTree(ctx context.Context, dir string, minPackages int) (*tree, error) {
	all, err := goList(ctx, dir)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 || all[0].Module == nil {
		return nil, errors.New("go list found no package of a module")
	}
	t := &tree{module: all[0].Module.Path, minPackages: minPackages}
	for _, l := range all {
		p, err := l.load()
		if err != nil {
			return nil, err
		}
		t.packages = append(t.packages, p)
	}
	if err := t.walk(os.DirFS(all[0].Module.Dir)); err != nil {
		return nil, fmt.Errorf("walking %s: %w", all[0].Module.Dir, err)
	}
	return t, nil
}

// walk finds the BUILD files and the folders with Go files.
func (t *tree) walk(root fs.FS) error {
	return fs.WalkDir(root, ".", func(rel string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return enter(root, rel)
		}
		return t.note(root, rel, entry)
	})
}

// enter skips folders that are not the module's own source: what the go command
// ignores, Bazel's links and stand-in modules, and nested modules.
func enter(root fs.FS, rel string) error {
	name := path.Base(rel)
	if rel == "." {
		return nil
	}
	hidden := strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || strings.HasPrefix(name, "bazel-")
	if hidden || slices.Contains([]string{"testdata", "vendor", "node_modules"}, name) || rel == "tools/bazel/offline" {
		return fs.SkipDir
	}
	if _, err := fs.Stat(root, path.Join(rel, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (t *tree) note(root fs.FS, rel string, entry fs.DirEntry) error {
	switch name := entry.Name(); {
	case !entry.Type().IsRegular():
	case filepath.Ext(name) == ".go" && !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, "."):
		if folder := path.Dir(rel); !slices.Contains(t.goFolders, folder) {
			t.goFolders = append(t.goFolders, folder)
		}
	case name == "BUILD.bazel" || name == "BUILD":
		text, err := fs.ReadFile(root, rel)
		if err != nil {
			return fmt.Errorf("reading a BUILD file: %w", err)
		}
		t.buildFiles = append(t.buildFiles, newBuildFile(rel, string(text)))
	}
	return nil
}
