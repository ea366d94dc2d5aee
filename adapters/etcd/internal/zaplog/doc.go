// Package zaplog lets what etcd logs through zap go to a slog.Logger: the message,
// the level and the fields, sorted by name.
package zaplog
