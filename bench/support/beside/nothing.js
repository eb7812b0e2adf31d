/** A Node that does nothing, to see what Node itself takes. */
process.on('message', () => {});
process.send?.('up');
