<?php  // php -S asks this first: pictures from disk, thumbnails from MediaWiki, everything else to its entry points.
$root = getenv( 'WIKI_ROOT' );
$pictures = realpath( getenv( 'WIKI_PICTURES' ) );
$path = rawurldecode( parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH ) );
const TYPES = [ 'jpg' => 'image/jpeg', 'jpeg' => 'image/jpeg', 'png' => 'image/png', 'gif' => 'image/gif',
	'webp' => 'image/webp', 'svg' => 'image/svg+xml', 'tif' => 'image/tiff', 'tiff' => 'image/tiff' ];

function enter( $root, $script ) {
	chdir( $root );
	$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = "/w/$script";
	$_SERVER['SCRIPT_FILENAME'] = "$root/$script";
	return "$root/$script";
}

if ( str_starts_with( $path, '/wikipedia/commons/' ) ) {
	$file = realpath( $pictures . substr( $path, strlen( '/wikipedia/commons' ) ) );
	if ( $file && is_file( $file ) && str_starts_with( $file, "$pictures/" ) ) {
		header( 'Content-Type: ' . ( TYPES[strtolower( pathinfo( $file, PATHINFO_EXTENSION ) )] ?? 'application/octet-stream' ) );
		header( 'Content-Length: ' . filesize( $file ) );
		readfile( $file );
		return true;
	}
	if ( str_starts_with( $path, '/wikipedia/commons/thumb/' ) ) {
		require enter( $root, 'thumb_handler.php' );
		return true;
	}
} elseif ( preg_match( '#^/w/(api|index|load|thumb)\.php$#', $path, $found ) ) {
	require enter( $root, "$found[1].php" );
	return true;
} elseif ( str_starts_with( $path, '/wiki/' ) ) {
	require enter( $root, 'index.php' );
	return true;
}
http_response_code( 404 );
header( 'Content-Type: text/html; charset=utf-8' );
echo "<!DOCTYPE html><title>Not Found</title><p>There is nothing here.</p>\n";
return true;
