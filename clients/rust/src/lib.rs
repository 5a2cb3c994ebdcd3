//! Nothing of our own: the tests beside this drive other people's clients against the built server.
