package zaplog_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"go.uber.org/zap"

	"github.com/asterism-k8s/asterism/adapters/etcd/internal/zaplog"
)

// plain returns a logger to a buffer, without times.
func plain(level slog.Level) (*slog.Logger, *bytes.Buffer) {
	var out bytes.Buffer
	return slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})), &out
}

func TestLevelsAndFields(t *testing.T) {
	logger, out := plain(slog.LevelDebug)
	l := zaplog.New(logger).With(zap.String("member", "a"))
	l.Debug("one")
	l.Info("two", zap.Int("z", 1), zap.Strings("b", []string{"x", "y"}))
	l.Warn("three", zap.Error(errors.New("broken")))
	l.Error("four")
	want := `level=DEBUG msg=one member=a
level=INFO msg=two member=a b="[x y]" z=1
level=WARN msg=three member=a error=broken
level=ERROR msg=four member=a
`
	if out.String() != want {
		t.Errorf("the log is\n%s\nwant\n%s", out.String(), want)
	}
}

func TestLevelsThatNobodyWants(t *testing.T) {
	logger, out := plain(slog.LevelWarn)
	l := zaplog.New(logger)
	l.Debug("one")
	l.Info("two")
	if out.Len() > 0 {
		t.Errorf("the log is %q", out.String())
	}
}

// What zap would end the process for can be caught, also where nobody listens.
func TestFatal(t *testing.T) {
	for _, logger := range []*slog.Logger{slog.New(slog.DiscardHandler), first(plain(slog.LevelDebug))} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("it returned")
				}
			}()
			zaplog.New(logger).Fatal("the end")
		}()
	}
}

func first(l *slog.Logger, _ *bytes.Buffer) *slog.Logger { return l }
