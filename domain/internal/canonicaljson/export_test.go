package canonicaljson

// Rewrite puts what encoding/json would have written into canonical form.
func Rewrite(src []byte) ([]byte, error) {
	w := writer{src: src}
	err := w.value()
	return w.dst, err
}
