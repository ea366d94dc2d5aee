// Package image will hold the node image: what is in it, how it is built bit for
// bit, and what it will measure on each platform before it has ever booted.
//
// Nothing is built here yet. What an image measures is stated in terms that exist
// already: events, registers and reference values of domain/measurement, and
// releases of domain/policy.
package image
