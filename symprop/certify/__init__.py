"""Is my gradient right? A backward pass that somebody wrote, judged by the derivative of its forward formula."""
