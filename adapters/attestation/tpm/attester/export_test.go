package attester

// DropConnection loses the connection, as when the device fails.
func (a *Attester) DropConnection() {
	<-a.tpm.turn
	defer func() { a.tpm.turn <- struct{}{} }()
	a.tpm.connection.tpm.Close() //nolint:errcheck // it is to be broken
}
