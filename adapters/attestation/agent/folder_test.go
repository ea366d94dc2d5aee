package agent_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/asterism-k8s/asterism/adapters/attestation/agent"
	"github.com/asterism-k8s/asterism/domain/evidence"
)

func TestSocketsAreTheirUsersOnly(t *testing.T) {
	folder := shortFolder(t)
	c := config(folder, newMachine())
	group := uint32(os.Getegid())
	c.Readers.Group = &group
	serve(t, c)
	for path, want := range map[string]os.FileMode{
		folder:                                  os.ModeDir | 0o700,
		agent.SocketPath(folder, evidence.Join): os.ModeSocket | 0o600,
		agent.SocketPath(folder, evidence.Attest): os.ModeSocket | 0o600,
		agent.StatementsPath(folder):              os.ModeSocket | 0o660,
	} {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want || info.Sys().(*syscall.Stat_t).Gid != group {
			t.Errorf("%s has mode %s, want %s", path, info.Mode(), want)
		}
	}
	if names := list(t, folder); len(names) != 3 {
		t.Errorf("the folder holds %v, want the three sockets", names)
	}
}

func TestShutdownLeavesNoSocket(t *testing.T) {
	folder := shortFolder(t)
	stop := serve(t, config(folder, newMachine()))
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if names := list(t, folder); len(names) != 0 {
		t.Errorf("%v are left", names)
	}
}

// TestServingADoneContextCleansUp holds what NewServer tells those who change
// their mind.
func TestServingADoneContextCleansUp(t *testing.T) {
	folder := shortFolder(t)
	server, err := agent.NewServer(config(folder, newMachine()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := server.Serve(ctx); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if names := list(t, folder); len(names) != 0 {
		t.Errorf("%v are left", names)
	}
}

func TestAFolderHasOneServer(t *testing.T) {
	folder := shortFolder(t)
	stop := serve(t, config(folder, newMachine()))
	if _, err := agent.NewServer(config(folder, newMachine())); !errors.Is(err, agent.ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
	awaitIdentity(t, dial(t, folder, evidence.Join)) // the first one still serves
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	serve(t, config(folder, newMachine()))
	awaitIdentity(t, dial(t, folder, evidence.Join))
}

func TestWhatADeadServerLeftIsReplaced(t *testing.T) {
	folder := shortFolder(t)
	if err := os.MkdirAll(filepath.Join(folder, ".new"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{agent.SocketPath(folder, evidence.Join), filepath.Join(folder, ".new", "s")} {
		left, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
		if err != nil {
			t.Fatal(err)
		}
		left.SetUnlinkOnClose(false)
		if err := left.Close(); err != nil {
			t.Fatal(err)
		}
	}
	serve(t, config(folder, newMachine()))
	awaitIdentity(t, dial(t, folder, evidence.Join))
}

func TestFoldersThatOthersCanChangeAreRefused(t *testing.T) {
	for name, prepare := range map[string]func(folder string) error{
		"group may write": func(folder string) error { return makeFolder(folder, 0o770) },
		"all may write":   func(folder string) error { return makeFolder(folder, 0o707) },
		"a link": func(folder string) error {
			return errors.Join(makeFolder(folder+"-real", 0o700), os.Symlink(folder+"-real", folder))
		},
		"a file": func(folder string) error { return os.WriteFile(folder, nil, 0o600) },
		"a file in a socket's place": func(folder string) error {
			return errors.Join(makeFolder(folder, 0o700), os.WriteFile(agent.StatementsPath(folder), nil, 0o600))
		},
		"a link in a socket's place": func(folder string) error {
			return errors.Join(makeFolder(folder, 0o700), os.Symlink("/dev/null", agent.SocketPath(folder, evidence.Join)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := shortFolder(t)
			if err := prepare(folder); err != nil {
				t.Fatal(err)
			}
			before := list(t, filepath.Dir(folder))
			if _, err := agent.NewServer(config(folder, newMachine())); err == nil {
				t.Error("the folder is accepted")
			}
			if after := list(t, filepath.Dir(folder)); strings.Join(after, " ") != strings.Join(before, " ") {
				t.Errorf("there was %v, there is %v", before, after)
			}
		})
	}
}

func TestAFailedStartLeavesNothing(t *testing.T) {
	folder := shortFolder(t)
	if err := makeFolder(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(agent.StatementsPath(folder), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := agent.NewServer(config(folder, newMachine())); err == nil {
		t.Fatal("a folder in a socket's place is accepted")
	}
	if names := list(t, folder); len(names) != 1 {
		t.Errorf("the folder holds %v, want what was there before", names)
	}
	if err := os.Remove(agent.StatementsPath(folder)); err != nil {
		t.Fatal(err)
	}
	serve(t, config(folder, newMachine())) // the folder was given back
}

// TestPathsThatDoNotFit tries folders up to the longest whose every socket has a
// path that the kernel takes, and the next.
func TestPathsThatDoNotFit(t *testing.T) {
	base := shortFolder(t)
	if err := makeFolder(base, 0o700); err != nil {
		t.Fatal(err)
	}
	longest := agent.MaxPathLength - len(agent.StatementsPath(""))
	folder := base + "/" + strings.Repeat("x", longest-len(base)-2)
	if got := len(agent.StatementsPath(folder)); got != agent.MaxPathLength {
		t.Fatalf("the test's path has %d bytes, want %d", got, agent.MaxPathLength)
	}
	serve(t, config(folder, newMachine()))
	if _, err := dialStatements(t, folder).AttestStatement(timeLimit(t), make([]byte, 16), []byte{1}); err != nil {
		t.Errorf("the longest path: %v", err)
	}
	if _, err := agent.NewServer(config(folder+"x", newMachine())); !errors.Is(err, agent.ErrPath) {
		t.Errorf("a server's path of a byte more: %v, want ErrPath", err)
	}
	for _, path := range []string{"", agent.StatementsPath(folder + "x")} {
		if _, err := agent.DialStatements(path); !errors.Is(err, agent.ErrPath) {
			t.Errorf("DialStatements(%q): %v, want ErrPath", path, err)
		}
		if _, err := agent.Dial(path, evidence.Join); !errors.Is(err, agent.ErrPath) {
			t.Errorf("Dial(%q): %v, want ErrPath", path, err)
		}
	}
	if _, err := agent.Dial("s", "purpose"); !errors.Is(err, evidence.ErrPurpose) {
		t.Errorf("Dial of no purpose: %v, want ErrPurpose", err)
	}
}

// makeFolder makes a folder with a mode that no umask changes.
func makeFolder(folder string, mode os.FileMode) error {
	return errors.Join(os.Mkdir(folder, 0o700), os.Chmod(folder, mode))
}

func list(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
