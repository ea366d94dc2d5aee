// Package batch lets many sessions share one signature of slow hardware.
//
// A TPM makes a few quotes a second. A Queue therefore has at most one signature
// in the making; leaves that arrive meanwhile wait, and share the next one. A
// leaf that finds the queue idle is signed at once, in a batch of one: nobody
// waits for company, and under any load an answer takes two signatures' time.
//
// Leaves come in classes, one a purpose. A batch takes one of each class in
// turn until it is full, and each class has its own bounded line, so that a
// flood of one class neither delays nor turns away another. Nothing here knows
// what signs: platforms with a TPM and without use it alike.
package batch
