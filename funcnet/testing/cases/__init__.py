"""Cases on which laws are asked: how they are drawn, shrunk and differentiated."""
