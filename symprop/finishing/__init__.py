"""The last touch on an answer: what a person does before writing a formula down."""
